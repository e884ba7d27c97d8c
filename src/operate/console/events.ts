/** The newest events, with what can be done and the article of each. */
import type { EventRecord } from '../actions/context.ts';
import { showTime } from '../cli/text.ts';
import { asking, type Asked, counted, type NotShown, type Shown, typed } from './asked.ts';
import { html, type Html } from './html.ts';
import { article, table } from './layout.ts';
import { inline } from './markdown.ts';

const SHOWN = 100;
const SHOWN_MAX = 1000;
const COLOURS = { information: 'soft', warning: 'mid', error: 'bad' } as const;

/** The page of events, the newest first. */
export function eventsPage(asked: Asked): Promise<Shown | NotShown> {
  const { query } = asked;
  const [severity, contains, number] = [typed(query, 'severity'), typed(query, 'contains'), typed(query, 'number')];
  const input = {
    most: Math.min(SHOWN_MAX, counted(query, 'most', SHOWN)),
    ...(severity === undefined ? {} : { severity }),
    ...(contains === undefined ? {} : { contains }),
    ...(number === undefined ? {} : { numbers: [Number(number)] }),
  };
  return asking<{ events: readonly EventRecord[] }>(asked, 'events', input, ({ events }) => ({
    title: 'Events',
    content: html`${filterForm(severity, contains, number)}
${events.length === 0 ? html`<p>No such events.</p>` : table(['Time, event, process', 'What happened'], [...events].reverse().map(rowOf))}`,
  }));
}

function rowOf({ atMs, number, severity, process, text, advice }: EventRecord): Html[] {
  const name = advice === undefined ? number : article(number, `${number} ${severity}`);
  return [
    html`<span class="when">${showTime(atMs)}</span><br><span class="${COLOURS[severity]}">${name}</span> <span class="soft">${process}</span>`,
    html`${text}${advice !== undefined && html`<br><span class="soft">${inline(advice)}</span>`}`,
  ];
}

function filterForm(severity = '', contains = '', number = ''): Html {
  const options = ['', 'warning', 'error'].map(
    (one) =>
      html`<option value="${one}"${one === severity && html` selected`}>${one === '' ? 'all severities' : `${one} and above`}</option>`,
  );
  return html`<form class="row" method="get" action="/events"><select name="severity" aria-label="Severity">${options}</select>
<input name="number" value="${number}" placeholder="number" size="8" inputmode="numeric" aria-label="Number">
<input name="contains" value="${contains}" placeholder="text" aria-label="Text"><button>Show</button></form>`;
}
