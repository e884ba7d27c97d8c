import type { Condition } from '../doctor/condition.ts';
import type { PartState } from './context.ts';

const RANKS: Readonly<Record<PartState['state'], number>> = {
  failed: 0,
  degraded: 1,
  starting: 2,
  stopped: 3,
  running: 4,
};

/** Parts in the order in which a person wants to read them: the worst first, and what has lasted longest before the rest. */
export function worstFirst(parts: readonly PartState[]): readonly PartState[] {
  return [...parts].sort((a, b) => RANKS[a.state] - RANKS[b.state] || (isWell(a) ? 0 : a.sinceMs - b.sinceMs));
}

/** Whether nothing has to be said of a part. */
export function isWell({ state }: PartState): boolean {
  return state === 'running' || state === 'stopped';
}

/** The beginning of the names of listener parts. */
export const LISTENER = 'listener ';

/** The part that says that no mail is taken by order of an administrator. */
export const REFUSED_BY_ORDER = 'transfer in';

const QUEUE = /^queue of worker /;
/** Space on the drive of the queue dropped below the floor: sessions go on, and are told 452. */
const SPACE_LOW = 3018;

/** Whether every worker's queue is known to refuse what sessions bring. */
function queuesRefuse(parts: readonly PartState[]): boolean {
  const queues = parts.filter(({ part }) => QUEUE.test(part));
  return queues.length > 0 && queues.every(({ state, event }) => state === 'failed' || event === SPACE_LOW);
}

/** Whether some listener accepts mail, and some queue takes it. */
export function acceptsMail(parts: readonly PartState[]): boolean {
  return listensForMail(parts) && parts.every(({ part }) => part !== REFUSED_BY_ORDER);
}

/** Whether some listener would accept mail, whatever was ordered. */
export function listensForMail(parts: readonly PartState[]): boolean {
  if (queuesRefuse(parts)) return false;
  return parts.some(({ part, state }) => part.startsWith(LISTENER) && (state === 'running' || state === 'degraded'));
}

const plural = (count: number): string => (count === 1 ? 'one thing is' : `${count} things are`);

function causeOf({ part, state, cause }: PartState): string {
  return `${part}: ${cause ?? state}`;
}

/** What keeps mail out: the deepest of the parts that are not well, since listeners only wait for what is behind them. */
export function rootCause(parts: readonly PartState[]): PartState | undefined {
  const wrong = worstFirst(parts).filter((one) => !isWell(one));
  const order = wrong.find(({ part }) => part === REFUSED_BY_ORDER);
  if (order !== undefined && listensForMail(parts)) return order;
  // Where the volume is gone, everything that stands on it says something of its own.
  const storage = wrong.find(({ part, state }) => part === 'storage' && state === 'failed');
  if (storage !== undefined) return storage;
  return wrong.find(({ part, state }) => state === 'failed' && !part.startsWith(LISTENER)) ?? wrong[0];
}

/** What the verdict reads of a condition that a check has found. */
export type Attention = Pick<Condition, 'cause' | 'event'>;

/** Conditions that no part tells of: where both belong to the same event, the check has found the deeper cause of one thing. */
export function unexplained<T extends Attention>(parts: readonly PartState[], conditions: readonly T[]): readonly T[] {
  return conditions.filter(
    ({ event }) => event === undefined || parts.every((part) => isWell(part) || part.event !== event),
  );
}

/** How the service is, in one sentence. */
export function verdictOf(parts: readonly PartState[], conditions: readonly Attention[] = []): string {
  const end = parts.find(({ part, state }) => part === 'service' && state === 'stopped');
  if (end !== undefined) return `The service stops (${end.cause}); what is under way may end.`;
  const wrong = parts.filter((one) => !isWell(one));
  const root = rootCause(parts);
  const deeper = conditions.find(({ event }) => event !== undefined && event === root?.event);
  const cause = root === undefined ? undefined : deeper === undefined ? causeOf(root) : `${root.part}: ${deeper.cause}`;
  if (!acceptsMail(parts)) {
    if (cause === undefined) return 'No mail is accepted: no listener is configured.';
    if (root?.state === 'starting') return 'The service starts.';
    return `No mail is accepted: ${sentence(cause)}`;
  }
  const others = unexplained(parts, conditions);
  const count = wrong.length + others.length;
  if (count === 0) return 'Everything runs.';
  return `Mail is accepted; ${plural(count)} not well: ${sentence(cause ?? others[0]?.cause ?? '')}`;
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
