/** An examination at once: begun by a form, its verdicts with what was seen. */
import type { DoctorReport } from '../doctor/report.ts';
import type { KnownFinding } from '../doctor/merge.ts';
import { showSpan, showTime } from '../cli/text.ts';
import type { Asked, NotShown, Shown } from './asked.ts';
import { typed } from './asked.ts';
import { html, type Html, type Piece } from './html.ts';
import { article, hidden, table } from './layout.ts';

const REFRESH_SECONDS = 2;
/** The order of the verdicts: what somebody must look at first. */
const ORDER = ['unhealthy', 'broken', 'unknown', 'blocked', 'healthy', 'not-applicable'] as const;
const COLOURS: Readonly<Record<KnownFinding['verdict']['kind'], string>> = {
  unhealthy: 'bad',
  broken: 'bad',
  unknown: 'mid',
  blocked: 'mid',
  healthy: 'good',
  'not-applicable': 'soft',
};

/** Begins one. */
export async function beginExamination(
  { examinations }: Asked,
  form: URLSearchParams,
): Promise<{ readonly to: string }> {
  examinations.begin(typed(form, 'only'));
  return { to: '/doctor' };
}

/** The page of the last one that was asked for. */
export async function doctorPage({ examinations, formToken, parts }: Asked): Promise<Shown | NotShown> {
  const { last } = examinations;
  const title = 'Doctor';
  const form = html`<form class="row" method="post" action="/doctor">${hidden(formToken)}
<input name="only" placeholder="one check or area, or everything" aria-label="One check or area" size="32" maxlength="100"><button>Look now</button></form>
<p class="soft">Looks at host, ports, names, ways out, TLS, storage and policy, as far as the user of the service may see them;
<code>ims doctor</code> as root sees more. It changes nothing, and takes some seconds.</p>`;
  if (last.kind === 'never') return { title, content: form };
  if (last.kind === 'running') {
    const forMs = Math.max(0, parts.clock.wall() - last.sinceMs);
    return {
      title,
      refreshSeconds: REFRESH_SECONDS,
      content: html`<p>It looks at ${last.only ?? 'everything'}, for ${showSpan(forMs)} so far; this page comes again by itself.</p>`,
    };
  }
  const { end, atMs } = last;
  const result = end.ok ? reportOf(end.result as DoctorReport) : html`<p class="bad">${end.error.message}</p>`;
  return {
    title,
    content: html`${form}<p class="soft">Looked at ${last.only ?? 'everything'} at ${showTime(atMs)}.</p>${result}`,
  };
}

function reportOf({ sentence, verdict, findings }: DoctorReport): Html {
  const groups = ORDER.map((kind) => findings.filter((finding) => finding.verdict.kind === kind)).filter(
    ({ length }) => length > 0,
  );
  return html`<p class="verdict ${verdict === 'well' ? 'good' : 'bad'}">${sentence}</p>${groups.map(groupOf)}`;
}

function groupOf(findings: readonly KnownFinding[]): Html {
  const kind = findings[0]?.verdict.kind ?? 'healthy';
  const all = html`${findings.map(findingOf)}`;
  if (kind === 'unhealthy' || kind === 'broken') return all;
  return html`<details${kind === 'unknown' && html` open`}><summary class="${COLOURS[kind]}">${kind}: ${findings.length}</summary>${all}</details>`;
}

function findingOf({ id, title, verdict }: KnownFinding): Html {
  return html`<div class="thing"><h3><span class="${COLOURS[verdict.kind]}">${verdict.kind}</span> <code>${id}</code>: ${title}</h3>${wordsOf(id, verdict)}
${
  verdict.evidence.length > 0 &&
  table(
    ['What', 'Expected', 'Seen'],
    verdict.evidence.map(({ what, expected, seen }) => [what, expected, seen]),
  )
}</div>`;
}

function wordsOf(id: string, verdict: KnownFinding['verdict']): Piece {
  switch (verdict.kind) {
    case 'unhealthy':
      return html`<p>${verdict.cause}</p>
${verdict.repair !== undefined && html`<pre>ims repair ${id}</pre>`}<pre>${verdict.cure}</pre>
${verdict.event !== undefined && html`<p>${article(verdict.event)}</p>`}`;
    case 'broken':
      return html`<p>The check itself failed: ${verdict.fault}. Report this: it is a defect of this program.</p>`;
    case 'unknown':
    case 'not-applicable':
      return html`<p>${verdict.because}</p>`;
    case 'blocked':
      return html`<p>waits for <code>${verdict.by}</code></p>`;
    case 'healthy':
      return '';
  }
}
