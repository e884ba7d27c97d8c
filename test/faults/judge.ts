/** Reads what one run of the fault laboratory printed, and says whether the service did what the fault asks for. */

/** One fault of faults.json, as far as it is judged. */
export interface KnownFault {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly setup: { readonly probe?: string };
  readonly ideal_behaviour: 'refuse to start' | 'start degraded' | 'start and warn';
  readonly repair: { readonly automatic_is_safe: boolean };
  readonly accept: readonly string[];
}

/** What a run falls short of. */
export type Shortfall = 'named' | 'behaved' | 'repaired';

/** What came of one run. */
export interface Judgement {
  /** The service has no such feature: nothing was run. */
  readonly applies: boolean;
  /** The line that names the cause. */
  readonly line: string | undefined;
  readonly short: readonly Shortfall[];
}

const DOCTOR_HEAD = /^(?:unhealthy|unknown|broken) +([a-z-]+\.[a-z0-9-]+)\b/;
const DOCTOR_ROW = /^ {2}(?:cause|seen|cure|event) /;
const NUMBERED = /\b[1-4]\d{3}\b/;
const CHECK = /\b[a-z]{2,}\.[a-z][a-z0-9-]+\b/;
const TIMES = /\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?/g;

/** The sections of a run by their headings, without the two equals signs. */
export function sections(output: string): ReadonlyArray<{ readonly head: string; readonly body: string }> {
  return output
    .split(/^== /m)
    .slice(1)
    .map((text) => {
      const end = text.indexOf('\n');
      return { head: text.slice(0, end), body: text.slice(end + 1) };
    });
}

/** What the service itself said, each line with the check or event that it belongs to. */
export function ownLines(output: string): readonly string[] {
  const own = sections(output).filter(({ head }) => head === 'CHECK+START' || head === 'LOG');
  let check = '';
  return own.flatMap(({ body }) =>
    body.split('\n').flatMap((line) => {
      check = DOCTOR_HEAD.exec(line)?.[1] ?? (DOCTOR_ROW.test(line) ? check : '');
      const carried = check === '' || line.includes(check) ? line : `${check}: ${line.trim()}`;
      const text = carried.replace(TIMES, '').trim();
      return NUMBERED.test(text) || CHECK.test(text) ? [text] : [];
    }),
  );
}

const figures = (line: string): string => line.replace(/\d+/g, '0');

/** The first line that names the cause, and that a healthy service does not say as well. */
function naming(fault: KnownFault, output: string, healthy: ReadonlySet<string>): string | undefined {
  const patterns = fault.accept.map((text) => new RegExp(text, 'i'));
  return ownLines(output).find((line) => !healthy.has(figures(line)) && patterns.some((one) => one.test(line)));
}

/** The lines of a healthy run, to tell what is said anyway. */
export function healthyLines(output: string): ReadonlySet<string> {
  return new Set(ownLines(output).map(figures));
}

/** A banner, then 250 after the end of the mail data. */
const ACCEPTED = /C: DATA\n.*S: 354.*\n.*S: 250 /;
const FAR: Readonly<Record<string, string>> = { in: '"kind": "lmtp"', out: '"kind": "smtp"' };

/** Which of the probes got through to their far end. */
export function delivered(output: string, heading: string, probes: readonly string[]): boolean {
  const arrived = sections(output).find(({ head }) => head === heading)?.body ?? '';
  return probes.every((probe) => FAR[probe] === undefined || arrived.includes(FAR[probe]));
}

/** The probes of a fault. */
export const probesOf = (fault: KnownFault): readonly string[] => (fault.setup.probe ?? 'in out').split(' ');

function behaves(fault: KnownFault, output: string): boolean {
  const heads = sections(output);
  const accepted = heads.some(({ head, body }) => head.startsWith('PROBE ') && ACCEPTED.test(body));
  // What may be cured without asking need not be refused.
  const cured = fault.repair.automatic_is_safe && delivered(output, 'DELIVERED', probesOf(fault));
  if (fault.ideal_behaviour === 'refuse to start') return !accepted || cured;
  return heads.some(({ head }) => head === 'STARTED yes') && heads.some(({ head }) => head === 'RUNNING-AT-END yes');
}

/** Compares a run with what the fault asks for. */
export function judge(fault: KnownFault, output: string, healthy: ReadonlySet<string>): Judgement {
  if (output.includes('== NOT-APPLICABLE')) return { applies: false, line: undefined, short: [] };
  const line = naming(fault, output, healthy);
  const { automatic_is_safe: safe } = fault.repair;
  const short: readonly (Shortfall | false)[] = [
    line === undefined && 'named',
    !behaves(fault, output) && 'behaved',
    safe && !delivered(output, 'DELIVERED-AFTER-REPAIR', probesOf(fault)) && 'repaired',
  ];
  return { applies: true, line, short: short.filter((one) => one !== false) };
}
