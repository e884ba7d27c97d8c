import type { Way } from '../../transport/port.ts';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import { printMailbox, type Mailbox } from '../../mail/mailbox.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import type { Dequeue, DequeueProgress, DequeueState } from '../../flow/dequeue/port.ts';
import type { PolicyAnswer, PolicyQuestion } from '../../flow/policy/explain.ts';
import type { Queue, QueueCounts, QueueFilter, QueueRow } from '../../flow/queue/port.ts';
import type { Directory, Resolution } from '../../flow/recipients/port.ts';
import type { Route } from '../../flow/routing/port.ts';
import type { ExplainingRouter, RouteExplanation as Explained } from '../../flow/routing/router.ts';
import type { OutsideAnswer, OutsideLook } from './outside.ts';
import type { CarriedEnvelope } from '../carry/envelope-file.ts';
import type { TransferMode, TransferState } from '../transfer/state.ts';
import { SHOWN_BYTES_MAX } from './limits.ts';

/** What chose a next hop: the domain is ours, an address space, or nothing but the MX. */
export type RouteRule = Explained['rule'];

/** Where mail of one address would go, with every step's reason. */
export interface RouteExplanation {
  readonly recipient: string;
  readonly resolution: Resolution;
  readonly targets: readonly {
    readonly mailbox: string;
    /** What chose the next hop. */
    readonly rule: RouteRule;
    readonly nextHop: NextHop;
    readonly route: Route;
  }[];
}

/** What became of a message that was to be taken in. */
export type TakenIn = { readonly ok: true; readonly queueId: string } | { readonly ok: false; readonly why: string };

export type { CarriedEnvelope };

/** One worker's queue as the rates are made of it. */
export interface QueueMovement {
  readonly messages: number;
  readonly bytes: number;
  readonly arrived: number;
  /** The transfer mode that it works by. */
  readonly mode: TransferMode;
}

/** What the operator process may ask of a worker: input and output of each call, all of them plain values. */
export interface WorkerCalls {
  'queue.counts': { input: Record<string, never>; output: QueueCounts };
  /** What the rates of the queue are made of; `arrived` counts since the worker started. */
  'queue.movement': { input: Record<string, never>; output: QueueMovement };
  'queue.list': { input: { filter: QueueFilter; most: number; envelopes: boolean }; output: readonly QueueRow[] };
  'queue.count': { input: { filter: QueueFilter }; output: number };
  /** The content as Latin-1 text, cut after `SHOWN_BYTES_MAX` octets. */
  'queue.content': {
    input: { queueId: string; offset?: number };
    output: { readonly sizeBytes: number; readonly text: string } | null;
  };
  /** The envelope of a message, with the recipients that still wait; null where the queue does not have it, or it is in work. */
  'queue.envelope': { input: { queueId: string }; output: CarriedEnvelope | null };
  /** Takes a message into the queue whose content lies in a file; null where another worker was asked. */
  'queue.take': { input: { worker: number; path: string; carried: CarriedEnvelope }; output: TakenIn | null };
  'queue.hold': { input: { filter: QueueFilter }; output: number };
  'queue.release': { input: { filter: QueueFilter }; output: number };
  'queue.retry': { input: { filter: QueueFilter }; output: number };
  'queue.remove': { input: { filter: QueueFilter }; output: number };
  'queue.reroute': { input: { filter: QueueFilter }; output: number };
  'queue.bounce': { input: { filter: QueueFilter; text: string }; output: number };
  'queue.flush': { input: { domain: string }; output: number };
  /** Works by a transfer mode from now on. */
  'transfer.use': { input: { state: TransferState }; output: null };
  /** Sessions answer the word for some seconds, so that a check can tell our listeners from others. */
  'listeners.expect': { input: { word: string; key: string }; output: null };
  'dequeue.list': { input: Record<string, never>; output: readonly DequeueState[] };
  /** False where this worker has no such entry. */
  'dequeue.start': { input: { name: string }; output: boolean };
  'dequeue.progress': { input: { name: string; fromLine: number }; output: DequeueProgress | null };
  /** What a connection by one way brings, for checks that look from outside. */
  'outside.look': { input: OutsideLook; output: OutsideAnswer };
  'route.explain': { input: { recipient: Mailbox; sender: Mailbox | null }; output: RouteExplanation };
  'policy.explain': { input: PolicyQuestion; output: PolicyAnswer };
}

export type WorkerCallName = keyof WorkerCalls;
/** What a call is given. */
export type WorkerInput<N extends WorkerCallName> = WorkerCalls[N]['input'];
/** What a call answers. */
export type WorkerOutput<N extends WorkerCallName> = WorkerCalls[N]['output'];

/** What an operator's calls need of a queue; a worker that looks after several shards answers for all of them. */
export type OperatorQueue = Pick<
  Queue,
  'counts' | 'list' | 'count' | 'content' | 'hold' | 'resume' | 'retryNow' | 'remove' | 'reroute'
>;

/** The parts of a worker that answer. */
export interface WorkerParts {
  readonly queue: OperatorQueue;
  readonly router: Pick<ExplainingRouter, 'nextHop' | 'explain'>;
  readonly directory: Pick<Directory, 'resolve'>;
  /** Returns mail to its senders now, with `text` as the reason; resolves with the number of deliveries. */
  bounce(filter: QueueFilter, text: string): Promise<number>;
  /** Messages that came into the queue since the process started. */
  arrived(): number;
  readonly transfer: { readonly mode: TransferMode; use(state: TransferState): Promise<void> };
  /** The envelope of a message that waits. */
  envelope(queueId: string): Promise<CarriedEnvelope | null>;
  /** Takes a message in; null where another worker is meant. */
  takeIn(worker: number, path: string, carried: CarriedEnvelope): Promise<TakenIn | null>;
  /** What policy would answer. */
  explainPolicy(question: PolicyQuestion): Promise<PolicyAnswer>;
  /** Lets sessions answer a word. */
  expectWord(word: string, key: string): void;
  /** The hosts that hold mail for us. */
  readonly dequeue: Pick<Dequeue, 'states' | 'start' | 'progress'>;
  lookOutside(look: OutsideLook): Promise<OutsideAnswer>;
  /** Lets the mail held for a domain go for a while (ETRN). */
  flush(domain: string): Promise<number>;
}

const plainEnvelope = (sender: Mailbox | null): EnvelopeOptions => ({
  reversePath: sender,
  body: '7bit',
  smtpUtf8: false,
});

/** Routes are shown to people and cross processes: the password stays where it is. */
function withoutLogin(route: Route): Route {
  if (route.kind !== 'relay') return route;
  const { login, proxies, ...terms } = route.terms;
  const ways = proxies?.map((way): Way => {
    if (way === 'direct' || way.kind === 'ssh-gateway') return way;
    const { login: _, ...rest } = way;
    return rest;
  });
  return {
    ...route,
    terms: {
      ...terms,
      ...(ways === undefined ? {} : { proxies: ways }),
      ...(login === undefined ? {} : { login: { user: login.user, password: '' } }),
    },
  };
}

async function explainRoute(
  { directory, router }: WorkerParts,
  recipient: Mailbox,
  sender: Mailbox | null,
): Promise<RouteExplanation> {
  const resolution = await directory.resolve(recipient);
  const final = resolution.kind === 'ours' ? resolution.targets : resolution.kind === 'remote' ? [recipient] : [];
  const envelope = plainEnvelope(sender);
  const targets: RouteExplanation['targets'][number][] = [];
  for (const target of final) {
    const { rule, nextHop, route } = await router.explain(target, envelope);
    targets.push({ mailbox: printMailbox(target), rule, nextHop, route: withoutLogin(route) });
  }
  return { recipient: printMailbox(recipient), resolution, targets };
}

async function readContent(
  queue: OperatorQueue,
  queueId: string,
  offset: number,
): Promise<WorkerOutput<'queue.content'>> {
  const content = await queue.content(queueId);
  if (content === undefined) return null;
  const parts: Buffer[] = [];
  let length = 0;
  let skip = offset;
  for await (const whole of content.chunks()) {
    const chunk = whole.subarray(skip);
    skip = Math.max(0, skip - whole.length);
    parts.push(chunk);
    length += chunk.length;
    if (length >= SHOWN_BYTES_MAX) break;
  }
  return { sizeBytes: content.sizeBytes, text: Buffer.concat(parts).subarray(0, SHOWN_BYTES_MAX).toString('latin1') };
}

type Implementations = { readonly [N in WorkerCallName]: (input: WorkerInput<N>) => Promise<WorkerOutput<N>> };

/** The worker's side of all calls; the worker process looks a call up by its name. */
export function answerWorkerCalls(parts: WorkerParts): Implementations {
  const { queue, router } = parts;
  return {
    'queue.counts': async () => queue.counts(),
    'queue.movement': async () => {
      const { messages, bytes } = queue.counts();
      return { messages, bytes, arrived: parts.arrived(), mode: parts.transfer.mode };
    },
    'queue.list': ({ filter, most, envelopes }) => queue.list(filter, { offset: 0, most, envelopes }),
    'queue.count': ({ filter }) => queue.count(filter),
    'queue.content': ({ queueId, offset = 0 }) => readContent(queue, queueId, offset),
    'queue.envelope': ({ queueId }) => parts.envelope(queueId),
    'queue.take': ({ worker, path, carried }) => parts.takeIn(worker, path, carried),
    'queue.hold': ({ filter }) => queue.hold(filter),
    'queue.release': ({ filter }) => queue.resume(filter),
    'queue.retry': ({ filter }) => queue.retryNow(filter),
    'queue.remove': ({ filter }) => queue.remove(filter),
    'queue.reroute': ({ filter }) =>
      queue.reroute(filter, (recipient, envelope) => router.nextHop(recipient.mailbox, envelope)),
    'queue.bounce': ({ filter, text }) => parts.bounce(filter, text),
    'queue.flush': ({ domain }) => parts.flush(domain),
    'transfer.use': async ({ state }) => {
      await parts.transfer.use(state);
      return null;
    },
    'listeners.expect': async ({ word, key }) => {
      parts.expectWord(word, key);
      return null;
    },
    'dequeue.list': async () => parts.dequeue.states(),
    'dequeue.start': async ({ name }) => parts.dequeue.start(name),
    'dequeue.progress': async ({ name, fromLine }) => parts.dequeue.progress(name, fromLine) ?? null,
    'outside.look': (look) => parts.lookOutside(look),
    'policy.explain': (question) => parts.explainPolicy(question),
    'route.explain': ({ recipient, sender }) => explainRoute(parts, recipient, sender),
  };
}
