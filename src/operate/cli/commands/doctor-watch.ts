import type { Finding } from '../../doctor/run.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliSession } from '../session.ts';
import { count, plain, showSpan, showTime } from '../text.ts';

/** What is watched, and how patiently. */
export interface WatchOptions {
  /** A check or an area. */
  readonly check: string;
  readonly everyMs: number;
  /** When it is given up. */
  readonly forMs?: number | undefined;
  readonly json: boolean;
}

const FINE: ReadonlySet<Finding['verdict']['kind']> = new Set(['healthy', 'not-applicable']);

/** The one that keeps it from being well: the root of those that wait. */
function inTheWay(findings: readonly Finding[], check: string): Finding | undefined {
  const wanted = findings.filter(({ id }) => id === check || id.startsWith(`${check}.`));
  const first = wanted.find(({ verdict }) => !FINE.has(verdict.kind));
  const by = first?.verdict.kind === 'blocked' ? first.verdict.by : undefined;
  return by === undefined ? first : (findings.find(({ id }) => id === by) ?? first);
}

function words({ id, verdict }: Finding): string {
  switch (verdict.kind) {
    case 'unhealthy':
      return `${id}: ${verdict.cause} Cure: ${verdict.cure}`;
    case 'unknown':
      return `${id} cannot be seen: ${verdict.because}`;
    case 'broken':
      return `${id}: the check itself failed: ${verdict.fault}`;
    default:
      return `${id} waits for another check`;
  }
}

/** Looks again and again until it is well; says each change once. `look` answers undefined where the check does not exist. */
export async function watchCheck(
  session: CliSession,
  options: WatchOptions,
  look: () => Promise<readonly Finding[] | undefined>,
): Promise<void> {
  const { clock } = session.io.world;
  const { check, everyMs, forMs, json } = options;
  const began = clock.now();
  let stop: () => void = () => undefined;
  let stopped = false;
  const end = (): void => {
    stopped = true;
    stop();
  };
  const off = session.io.onInterrupt?.(end);
  session.endEarly = end;
  let told = '';
  const tell = (state: string, text: string): void => {
    const atMs = clock.wall();
    if (json) session.print(JSON.stringify({ atMs, check, state, text }));
    else session.print(`${showTime(atMs)}  ${session.paint(state === 'healthy' ? 'green' : 'yellow', state)}  ${text}`);
  };
  try {
    for (let looks = 1; ; looks += 1) {
      const findings = await look();
      if (findings === undefined || stopped) break;
      const root = inTheWay(findings, check);
      const spent = clock.now() - began;
      if (root === undefined) {
        session.code = exitCodes.ok;
        const when = looks === 1 ? '' : `; it took effect after ${showSpan(spent)} and ${count(looks, 'look')}`;
        return tell('healthy', `${check} is well${when}.`);
      }
      session.code = exitCodes.negative;
      // Times and counters in a cause change with every look; only another state is news.
      const state = `${root.id} ${root.verdict.kind}`;
      if (state !== told) tell(root.verdict.kind, plain(words(root)));
      told = state;
      if (forMs !== undefined && spent + everyMs > forMs)
        return tell('given-up', `${check} is not well after ${showSpan(spent)}.`);
      if (!stopped)
        await new Promise<void>((resolve) => {
          const timer = clock.after(everyMs, resolve);
          stop = () => {
            timer.cancel();
            resolve();
          };
        });
      if (stopped) break;
    }
  } finally {
    off?.();
  }
}
