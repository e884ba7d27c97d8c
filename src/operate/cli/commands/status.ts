/** The one screen of `ims status`. */
import type { PartState } from '../../actions/context.ts';
import { pausedWays, type StatusResult, type Thing, thingsOf } from '../../actions/things.ts';
import { acceptsMail } from '../../actions/verdict.ts';
import type { CliSession } from '../session.ts';
import { table } from '../table.ts';
import { count, showBytes, showSpan } from '../text.ts';

/** Things not well that are shown; more are counted. */
const SHOWN_MAX = 12;

/** Prints it: the verdict, what is not well, what listens where, the counts. */
export function printStatus(session: CliSession, status: StatusResult, all: boolean): void {
  const { verdict, parts, nowMs } = status;
  const things = thingsOf(status);
  const colour = !acceptsMail(parts) ? 'red' : things.length > 0 ? 'yellow' : 'green';
  session.print(session.paint(colour, verdict));
  session.print(
    `${session.paint('bold', status.name)}  Internet Mail Service ${status.version}, up ${showSpan(status.upMs)}, configuration ${status.generation} (${status.configurationFile})`,
  );
  for (const thing of things.slice(0, SHOWN_MAX)) printThing(session, thing, nowMs);
  if (things.length > SHOWN_MAX) session.print(`\nand ${things.length - SHOWN_MAX} more: ims status --json`);
  if (all) printParts(session, parts, nowMs);
  if (all) printTransports(session, status);
  printListeners(session, status);
  printProcesses(session, status);
  const { queue } = status;
  const held = queue.held + queue.quarantined > 0 ? `, ${queue.held} held, ${queue.quarantined} quarantined` : '';
  session.print('');
  session.print(
    `Queue: ${count(queue.messages, 'message')}, ${count(queue.deliveries, 'delivery', 'deliveries')} to ${count(queue.nextHops, 'next hop')}, ${showBytes(queue.bytes)}${held}`,
  );
  const { text, forecast } = status.movement;
  if (text !== '') session.print(forecast.kind === 'grows' ? session.paint('yellow', text) : text);
  for (const { kind, name, sinceMs, says = '' } of pausedWays(status))
    session.print(
      session.paint(
        'yellow',
        `${`${kind} ${name}`.trim()} is paused, for ${showSpan(Math.max(0, nowMs - sinceMs))}: ${says}`,
      ),
    );
  for (const one of status.missing) session.print(session.paint('yellow', `No answer: ${one}`));
}

function printThing(
  session: CliSession,
  { title, cause, sinceMs, evidence, cures, article, check }: Thing,
  nowMs: number,
): void {
  session.print('');
  session.print(`${session.paint('yellow', title)}, for ${showSpan(Math.max(0, nowMs - sinceMs))}`);
  // The number stands on the line of the cause: whoever passes on one line passes on both.
  const by = article === undefined ? (check === undefined ? '' : ` (check ${check})`) : ` (event ${article})`;
  if (cause !== '') session.print(`  why   ${cause}${by}`);
  for (const { what, expected, seen } of evidence)
    session.print(`  seen  ${what}: ${seen}${expected === '' ? '' : ` (expected: ${expected})`}`);
  for (const cure of cures) session.print(`  cure  ${cure}`);
  if (article !== undefined) session.print(`  more  ims kb ${article}`);
}

function printParts(session: CliSession, parts: readonly PartState[], nowMs: number): void {
  const rows = parts.map(({ part, state, sinceMs, cause = '' }) => [
    part,
    state,
    showSpan(Math.max(0, nowMs - sinceMs)),
    cause,
  ]);
  session.print('');
  session.print(
    table(
      [{ title: 'PART' }, { title: 'STATE' }, { title: 'SINCE' }, { title: '', flexible: true }],
      rows,
      session.width,
    ),
  );
}

function printTransports(session: CliSession, { transports, nowMs }: StatusResult): void {
  const rows = transports.map(({ kind, name, state, sinceMs, says = '' }) => [
    `${kind} ${name}`.trim(),
    state,
    sinceMs === 0 ? '' : showSpan(Math.max(0, nowMs - sinceMs)),
    says,
  ]);
  session.print('');
  session.print(
    table(
      [{ title: 'WAY' }, { title: 'STATE' }, { title: 'SINCE' }, { title: 'LAST WORDS OF A FAILURE', flexible: true }],
      rows,
      session.width,
    ),
  );
}

function printListeners(session: CliSession, { listeners }: StatusResult): void {
  if (listeners.length === 0) return;
  session.print('');
  const rows = listeners.map((one) => [
    one.name,
    one.profile,
    one.address,
    one.port === 0 ? '' : String(one.port),
    one.tls,
    one.state,
    one.why ?? '',
  ]);
  session.print(
    table(
      [
        { title: 'LISTENER' },
        { title: 'PROFILE' },
        { title: 'ADDRESS' },
        { title: 'PORT', align: 'right' },
        { title: 'TLS' },
        { title: 'STATE' },
        { title: '', flexible: true },
      ],
      rows,
      session.width,
    ),
  );
}

function printProcesses(session: CliSession, { processes }: StatusResult): void {
  session.print('');
  const rows = processes.map((one) => [
    `${one.role}${one.role === 'worker' ? ` ${one.index}` : ''}`,
    String(one.pid ?? '-'),
    one.state,
    String(one.restarts),
    one.why ?? '',
  ]);
  session.print(
    table(
      [
        { title: 'PROCESS' },
        { title: 'PID', align: 'right' },
        { title: 'STATE' },
        { title: 'RESTARTS', align: 'right' },
        { title: '', flexible: true },
      ],
      rows,
      session.width,
    ),
  );
}
