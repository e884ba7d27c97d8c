/** The same as `ims status`: the verdict, then everything that is not well with its cause, what was seen, since when, and the cure. */
import { pausedWays, type StatusResult, type Thing, thingsOf } from '../actions/things.ts';
import { acceptsMail } from '../actions/verdict.ts';
import { count, showBytes, showSpan } from '../cli/text.ts';
import { html, type Html, type Piece } from './html.ts';
import { article } from './layout.ts';

/** Things not well that are shown; more are counted. */
const SHOWN_MAX = 30;

/** The overview. */
export function overview(status: StatusResult): Html {
  const { verdict, parts, nowMs, name, version, upMs, generation, configurationFile, queue, movement, missing } =
    status;
  const things = thingsOf(status);
  const colour = !acceptsMail(parts) ? 'bad' : things.length > 0 ? 'mid' : 'good';
  const held = queue.held + queue.quarantined > 0 ? `, ${queue.held} held, ${queue.quarantined} quarantined` : '';
  const more = things.length - SHOWN_MAX;
  return html`<p class="verdict ${colour}">${verdict}</p>
<p class="soft">${name}: Internet Mail Service ${version}, up ${showSpan(upMs)}, configuration ${generation} (${configurationFile})</p>
${things.slice(0, SHOWN_MAX).map((thing) => thingBox(thing, nowMs))}
${more > 0 && html`<p>and ${more} more: <code>ims status --json</code></p>`}
<h2>Queue</h2>
<p><a href="/queue">${count(queue.messages, 'message')}</a>, ${count(queue.deliveries, 'delivery', 'deliveries')} to ${count(queue.nextHops, 'next hop')}, ${showBytes(queue.bytes)}${held}</p>
${movement.text !== '' && html`<p>${movement.text}</p>`}
${pausedWays(status).map((way) => html`<p class="mid">${`${way.kind} ${way.name}`.trim()} is paused, for ${showSpan(Math.max(0, nowMs - way.sinceMs))}: ${way.says}</p>`)}
${missing.map((one) => html`<p class="mid">No answer: ${one}</p>`)}`;
}

/** One thing that is not well. */
export function thingBox(
  { title, cause, sinceMs, evidence, cures, article: number, check }: Thing,
  nowMs: number,
): Html {
  const by: Piece =
    number === undefined
      ? check !== undefined && html` (check <code>${check}</code>)`
      : html` (${article(number, `event ${number}`)})`;
  const seen = evidence.map(
    ({ what, seen: saw, expected }) =>
      html`<li>${what}: ${saw}${expected !== '' && html` <span class="soft">(expected: ${expected})</span>`}</li>`,
  );
  return html`<div class="thing"><h3>${title}, for ${showSpan(Math.max(0, nowMs - sinceMs))}</h3>
${cause !== '' && html`<p>${cause}${by}</p>`}
${seen.length > 0 && html`<p>Seen:</p><ul>${seen}</ul>`}
${cures.length > 0 && html`<p>Cure:</p>${cures.map((cure) => html`<pre>${cure}</pre>`)}`}
${number !== undefined && html`<p>${article(number, 'What it means, and what to do')}</p>`}</div>`;
}

/** What the checks found, each until one sees it healthy again. */
export function conditionsPage({ conditions, nowMs }: StatusResult): Html {
  const things = thingsOf({ parts: [], conditions });
  if (things.length === 0)
    return html`<p class="good">The service examines itself now and then, and holds nothing for not well.</p>`;
  return html`${things.map((thing) => thingBox(thing, nowMs))}`;
}
