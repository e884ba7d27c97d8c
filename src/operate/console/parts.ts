/** Every part with its state, what listens where, the processes, the ways out. */
import type { PartState } from '../actions/context.ts';
import type { StatusResult } from '../actions/things.ts';
import { showSpan } from '../cli/text.ts';
import { html, type Html, type Piece } from './html.ts';
import { article, table } from './layout.ts';

const COLOURS: Readonly<Record<PartState['state'], string>> = {
  running: 'good',
  stopped: 'soft',
  starting: 'mid',
  degraded: 'mid',
  failed: 'bad',
};

/** The page of all parts. */
export function partsPage({ parts, listeners, processes, transports, nowMs }: StatusResult): Html {
  const since = (ms: number): string => (ms === 0 ? '' : showSpan(Math.max(0, nowMs - ms)));
  const partRows = parts.map(({ part, state, sinceMs, cause = '', event }): Piece[] => [
    part,
    html`<span class="${COLOURS[state]}">${state}</span>`,
    since(sinceMs),
    html`${cause}${event !== undefined && html` (${article(event, `event ${event}`)})`}`,
  ]);
  return html`${table(['Part', 'State', 'Since', ''], partRows)}
<h2>Listeners</h2>
${table(
  ['Listener', 'Profile', 'Address', 'Port', 'TLS', 'State', ''],
  listeners.map(({ name, profile, address, port, tls, state, why }) => [name, profile, address, port, tls, state, why]),
)}
<h2>Processes</h2>
${table(
  ['Process', 'Id', 'State', 'Restarts', ''],
  processes.map(({ role, index, pid, state, restarts, why }) => [`${role} ${index}`, pid ?? '-', state, restarts, why]),
)}
<h2>Ways out and in</h2>
${table(
  ['Way', 'State', 'Since', 'Last words of a failure'],
  transports.map(({ kind, name, state, sinceMs, says }) => [`${kind} ${name}`.trim(), state, since(sinceMs), says]),
)}`;
}
