/** All parts of the service as one list: the supervisor's own, those of its children, listeners and processes. */
import type { PartState } from '../../operate/actions/context.ts';
import { LISTENER } from '../../operate/actions/verdict.ts';
import type { Briefing, ListenerState } from '../messages.ts';

/** What the overview reads of a child. */
export interface ChildLook {
  readonly role: 'worker' | 'operator';
  readonly index: number;
  readonly state: 'starting' | 'ready' | 'waiting' | 'stopping' | 'stopped';
  readonly sinceMs: number;
  readonly pid: number | undefined;
  readonly parts: readonly PartState[];
  /** Why it ends again and again, where it does. */
  readonly failing: string | undefined;
  /** For how long it has said nothing, where that is too long. */
  readonly silentMs: number | undefined;
}

/** What the overview is made of. */
export interface OverviewParts {
  readonly own: readonly PartState[];
  readonly briefing: Pick<Briefing, 'settings' | 'certificate'>;
  readonly listeners: readonly ListenerState[];
  readonly children: readonly ChildLook[];
  readonly startedAtMs: number;
}

/** A child as `ims status` shows processes. */
export function processOf(child: ChildLook & { readonly restarts: number }) {
  const { role, index, pid, state, restarts, sinceMs } = child;
  return { role, index, pid, state, restarts, sinceMs };
}

/** Whether a worker waits for something that has failed, and does not merely start. */
export function isHeldUp({ state, parts }: ChildLook): boolean {
  return state === 'starting' && parts.some((part) => part.state === 'failed');
}

/** Lists all parts. */
export function overview(parts: OverviewParts): readonly PartState[] {
  const { own, children } = parts;
  return merged([
    ...own,
    ...listenerParts(parts),
    ...children.map(childPart),
    ...children.flatMap((child) => child.parts),
  ]);
}

const ORDER: readonly PartState['state'][] = ['failed', 'degraded', 'starting', 'stopped', 'running'];

/** Several processes may tell of one part: it is as the worst of them says. */
function merged(parts: readonly PartState[]): readonly PartState[] {
  const byName = new Map<string, PartState>();
  for (const one of parts) {
    const other = byName.get(one.part);
    if (other === undefined || ORDER.indexOf(one.state) < ORDER.indexOf(other.state)) byName.set(one.part, one);
  }
  return [...byName.values()];
}

function childPart({ role, index, state, sinceMs, parts, failing, silentMs, pid }: ChildLook): PartState {
  const part = role === 'worker' ? `worker ${index}` : 'operator';
  const failed = {
    part,
    sinceMs,
    state: 'failed' as const,
    event: failing === undefined ? 3800 : 4866,
    cause: failing ?? 'the process ended and is started again',
    cure: failing === undefined ? 'ims events --severity warning' : 'ims doctor --only host',
  };
  switch (state) {
    case 'ready':
      if (silentMs !== undefined)
        return {
          part,
          sinceMs,
          state: 'failed',
          event: 4800,
          cause: `it has not reacted for ${Math.round(silentMs / 1000)} s; it is ended and started again when that lasts`,
          cure: `ps -o pid,stat,wchan:30,args -p ${pid ?? ''} (T: stopped, kill -CONT lets it go on; D: it waits for a disk)`,
        };
      return failing === undefined ? { part, state: 'running', sinceMs } : { ...failed, state: 'degraded' };
    case 'starting': {
      if (failing !== undefined) return failed;
      const behind = parts.find((one) => one.state === 'failed');
      return behind === undefined
        ? { part, state, sinceMs }
        : { part, state: 'stopped', sinceMs, cause: `waits for ${behind.part}` };
    }
    case 'waiting':
      return failed;
    default:
      return { part, state: 'stopped', sinceMs };
  }
}

const place = (address: string, port: number): string =>
  port === 0 ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

function listenerParts({ briefing, listeners, children, startedAtMs }: OverviewParts): readonly PartState[] {
  const { settings, certificate } = briefing;
  const workers = children.filter(({ role }) => role === 'worker');
  const ready = workers.filter(({ state }) => state === 'ready');
  const accepting = ready.some(({ silentMs }) => silentMs === undefined);
  const heldUp = workers.every((worker) => isHeldUp(worker) || worker.state === 'stopped');
  if (listeners.length === 0)
    return Object.entries(settings.listeners).map(([name]) => ({
      part: `${LISTENER}${name}`,
      state: 'stopped',
      sinceMs: startedAtMs,
      cause: 'waits for the storage',
    }));
  return listeners.map(({ name, tls, address, port, state, sinceMs, problem, cause }) => {
    const part = `${LISTENER}${name} at ${place(address, port)}`;
    if (state === 'failed')
      return {
        part,
        state: 'failed',
        sinceMs,
        event: 4007,
        cause: `${problem ?? ''}${cause === undefined ? '' : `, ${cause}`}`,
        evidence: [{ what: place(address, port), expected: 'bound', seen: problem ?? 'not bound' }],
        cure: 'ims doctor --only listeners',
      };
    if (!accepting && ready.length > 0) return { part, state: 'stopped', sinceMs, cause: 'no worker reacts' };
    if (!accepting)
      return heldUp
        ? { part, state: 'stopped', sinceMs, cause: 'no worker has its queue open' }
        : { part, state: 'starting', sinceMs };
    if (certificate === undefined && tls !== 'none')
      return {
        part,
        state: tls === 'starttls' ? 'degraded' : 'failed',
        sinceMs,
        event: 3750,
        cause:
          tls === 'starttls' ? 'offers no STARTTLS: there is no certificate' : 'needs TLS, and there is no certificate',
        cure: 'ims doctor --only tls',
      };
    return { part, state: 'running', sinceMs };
  });
}
