/** The queue: its list, one message with its life, and the little that a browser may do with it. */
import type { QueueRow } from '../../flow/queue/port.ts';
import { printReply } from '../../mail/reply.ts';
import { shownHeader } from '../actions/header-text.ts';
import type { MessageTimeline } from '../actions/context.ts';
import type { QueuePage } from '../actions/queue-look.ts';
import { queueRowState, queueRowTitles, queueRowWords } from '../actions/queue-row-words.ts';
import { count, showTime } from '../cli/text.ts';
import { entryLines } from '../tracking/entry-lines.ts';
import { asking, type Asked, counted, type NotShown, type Shown, typed } from './asked.ts';
import { html, type Html, type Piece } from './html.ts';
import { hidden, table } from './layout.ts';

const ROWS = 50;
const TRACES = 20;
const FILTERS = ['domain', 'sender', 'recipient'] as const;

/** What a browser may do with a message, and how its buttons say it. */
const VERBS = [
  ['retry', 'Try again now'],
  ['hold', 'Hold'],
  ['release', 'Release'],
] as const;

const messageLink = (queueId: string): Html => html`<a href="/queue/${encodeURIComponent(queueId)}">${queueId}</a>`;

/** A page of the list. */
export function queuePage(asked: Asked): Promise<Shown | NotShown> {
  const { query, parts } = asked;
  const offset = counted(query, 'offset', 0);
  const filter = Object.fromEntries(
    FILTERS.flatMap((name) => (typed(query, name) === undefined ? [] : [[name, typed(query, name)]])),
  );
  return asking<QueuePage>(asked, 'queue.list', { filter, offset, most: ROWS }, (page) => ({
    title: 'Queue',
    content: html`${filterForm(query)}${traceForm()}
<p>${count(page.total, 'delivery', 'deliveries')}${page.rows.length < page.total && html`, ${page.offset + 1} to ${page.offset + page.rows.length} shown, the oldest first`}</p>
${missing(page)}
${
  page.rows.length > 0 &&
  table(
    queueRowTitles.map(sentenceCase),
    page.rows.map((row) => rowCells(row, parts.clock.wall())),
  )
}
${pages(query, page)}`,
  }));
}

const sentenceCase = (title: string): string => `${title[0] ?? ''}${title.slice(1).toLowerCase()}`;

function rowCells(row: QueueRow, nowMs: number): Piece[] {
  const [, ...words] = queueRowWords(row, nowMs);
  return [messageLink(row.queueId), ...words];
}

const missing = (page: QueuePage): Piece =>
  page.missing.map((one) => html`<p class="mid">No answer, so this is not everything: ${one}</p>`);

function filterForm(query: URLSearchParams): Html {
  const fields = FILTERS.map(
    (name) => html`<input name="${name}" value="${query.get(name) ?? ''}" placeholder="${name}" aria-label="${name}">`,
  );
  return html`<form class="row" method="get" action="/queue">${fields}<button>Show</button></form>`;
}

const traceForm = (what = ''): Html =>
  html`<form class="row" method="get" action="/trace"><input name="what" value="${what}" size="40" aria-label="What to trace"
placeholder="queue-id, Message-ID or address"><button>What happened to it</button></form>`;

function pages(query: URLSearchParams, { offset, rows, total }: QueuePage): Piece {
  const at = (to: number): string => {
    const next = new URLSearchParams(query);
    next.set('offset', String(to));
    return `/queue?${next.toString()}`;
  };
  return html`<p>${offset > 0 && html`<a href="${at(Math.max(0, offset - ROWS))}">Before</a> `}${offset + rows.length < total && html`<a href="${at(offset + ROWS)}">Next</a>`}</p>`;
}

/** One message: what waits of it, and its life. */
export async function messagePage(asked: Asked, queueId: string): Promise<Shown | NotShown> {
  const { parts, formToken } = asked;
  const [waiting, life] = await Promise.all([
    parts.run('queue.show', { queueId, content: 'header' }),
    parts.run('trace', { what: queueId, most: 1 }),
  ]);
  if (!waiting.ok && !life.ok) return { failure: waiting.error };
  const lives = life.ok ? (life.result as { readonly messages: readonly MessageTimeline[] }).messages : [];
  return {
    title: `Message ${queueId}`,
    content: html`${waiting.ok ? waitingOf(waiting.result as QueuePage & { readonly content: string }, queueId, formToken) : html`<p>${waiting.error.message}</p>`}
<h2>Its life</h2>${lives.length === 0 ? html`<p>Nothing is written of it yet.</p>` : lives.map(timeline)}`,
  };
}

function waitingOf(page: QueuePage & { readonly content: string }, queueId: string, formToken: string): Html {
  const header = shownHeader(Buffer.from(page.content));
  const [first] = page.rows;
  const facts: ReadonlyArray<readonly [string, Piece]> = [
    ['From', header.from],
    ['To', header.to],
    ['Subject', header.subject],
    ['Message-ID', first?.messageId === '' ? '(none)' : first?.messageId],
    ['Sender', first?.sender === '' ? '<>' : first?.sender],
    ['Arrived', first && showTime(first.arrivedAtMs)],
    ['Returned to the sender at', first && showTime(first.expiresAtMs)],
  ];
  const forms = VERBS.map(
    ([verb, words]) =>
      html`<form method="post" action="/queue/${encodeURIComponent(queueId)}/${verb}">${hidden(formToken)}<button>${words}</button></form>`,
  );
  return html`${table(['', ''], facts)}${missing(page)}
<div class="row">${forms}</div>
${page.rows.map(deliveryOf)}`;
}

function deliveryOf(row: QueueRow): Html {
  const { nextHop, attempts, held, dueAtMs, recipients = [] } = row;
  return html`<h2>To ${nextHop}</h2>
<p>${queueRowState(row)}, ${count(attempts, 'attempt')}${!held && html`, next at ${showTime(dueAtMs)}`}</p>
${table(
  ['Recipient', 'State', 'Last reply'],
  recipients.map(({ mailbox, state, lastReply }) => [mailbox, state, lastReply && printReply(lastReply)]),
)}`;
}

function timeline({ queueId, entries }: MessageTimeline): Html {
  const rows = entries.map((entry): Piece[] => [
    html`<span class="when">${showTime(entry.atMs)}</span>`,
    entryLines(entry).map((line, i) => html`${i > 0 && html`<br>`}${line}`),
  ]);
  return html`<h3>${messageLink(queueId)}</h3>${table(['Time', 'What happened'], rows)}`;
}

/** What happened to messages of an address, or to one. */
export async function tracePage(asked: Asked): Promise<Shown | NotShown> {
  const what = typed(asked.query, 'what');
  if (what === undefined) return { title: 'What happened to it', content: traceForm() };
  return asking<{ messages: readonly MessageTimeline[] }>(asked, 'trace', { what, most: TRACES }, ({ messages }) => ({
    title: 'What happened to it',
    content: html`${traceForm(what)}${messages.map(timeline)}`,
  }));
}

/** Retries, holds or releases one message. */
export async function changeMessage(
  { parts }: Asked,
  _form: URLSearchParams,
  [queueId = '', verb = '']: readonly string[],
): Promise<{ readonly to: string } | NotShown> {
  const end = await parts.run(`queue.${verb}`, { filter: { queueId } });
  return end.ok ? { to: `/queue/${encodeURIComponent(queueId)}` } : { failure: end.error };
}
