/**
 * How the queue moved over the last hour: what came in, what left, and where that leads at this rate. Pure: the operator
 * process adds a sample now and then, and asks.
 */
import { CHANGE_MIN, CHANGE_SHARE_MIN, FORETOLD_MS_MAX, REMEMBERED_MS, SAMPLES_MAX, WINDOW_MS_MIN } from './limits.ts';

/** The queue of all workers at one moment. */
export interface MovementSample {
  /** Monotonic. */
  readonly atMs: number;
  readonly messages: number;
  readonly bytes: number;
  /** Messages that came into the queue since the service started, reports included. */
  readonly arrived: number;
}

/** What bounds the queue. */
export interface MovementBounds {
  /** Free space of the queue's file system; undefined where it cannot be measured. */
  readonly freeBytes: number | undefined;
  /** Free space below which mail is refused (queue.spaceFloor). */
  readonly floorBytes: number;
  /** Messages above which mail is refused (queue.messagesMax of all workers). */
  readonly messagesMax: number;
}

/** Where it leads. */
export type Forecast =
  /** Not enough has been seen yet, or nothing changes much. */
  | { readonly kind: 'steady' }
  /** More comes than leaves; `reachedInMs` is when the first bound is reached, undefined where that is far away. */
  | { readonly kind: 'grows'; readonly bound: 'space' | 'messages'; readonly reachedInMs: number | undefined }
  | { readonly kind: 'empties'; readonly inMs: number };

/** The movement over the time that is remembered, at most an hour. */
export interface Movement {
  /** What the rates were measured over; 0 before two samples. */
  readonly windowMs: number;
  readonly messages: number;
  readonly inPerHour: number;
  readonly outPerHour: number;
  /** Octets by which the queue grows; negative where it shrinks. */
  readonly growthBytesPerHour: number;
  readonly forecast: Forecast;
  /** Messages at five moments of the window, evenly apart, the oldest first: whether it grows all the time, or did so once. */
  readonly course: readonly number[];
}

/** The samples of the last hour. */
export class MovementHistory {
  readonly #samples: MovementSample[] = [];

  /** Remembers one. */
  add(sample: MovementSample): void {
    this.#samples.push(sample);
    const from = sample.atMs - REMEMBERED_MS;
    while (this.#samples.length > SAMPLES_MAX || (this.#samples[0]?.atMs ?? from) < from) this.#samples.shift();
  }

  /** The movement up to `now`, which is not remembered. */
  look(now: MovementSample, bounds: MovementBounds): Movement {
    const first = this.#samples.find(({ atMs }) => atMs >= now.atMs - REMEMBERED_MS);
    const windowMs = first === undefined ? 0 : now.atMs - first.atMs;
    if (first === undefined || windowMs <= 0)
      return {
        windowMs: 0,
        messages: now.messages,
        inPerHour: 0,
        outPerHour: 0,
        growthBytesPerHour: 0,
        forecast: { kind: 'steady' },
        course: [],
      };
    const perHour = (amount: number): number => (amount * 3_600_000) / windowMs;
    const arrived = Math.max(0, now.arrived - first.arrived);
    const growth = now.messages - first.messages;
    const growthBytes = now.bytes - first.bytes;
    return {
      windowMs,
      messages: now.messages,
      inPerHour: Math.round(perHour(arrived)),
      outPerHour: Math.round(perHour(Math.max(0, arrived - growth))),
      growthBytesPerHour: Math.round(perHour(growthBytes)),
      forecast: forecast({ windowMs, growth, growthBytes, messages: now.messages, bounds }),
      course: this.#course(first.atMs, now),
    };
  }

  #course(fromMs: number, now: MovementSample): readonly number[] {
    const before = [0, 1, 2, 3].map((quarter) => {
      const at = fromMs + ((now.atMs - fromMs) * quarter) / 4;
      return this.#samples.findLast(({ atMs }) => atMs <= at)?.messages ?? now.messages;
    });
    return [...before, now.messages];
  }
}

interface Trend {
  readonly windowMs: number;
  readonly growth: number;
  readonly growthBytes: number;
  readonly messages: number;
  readonly bounds: MovementBounds;
}

function forecast({ windowMs, growth, growthBytes, messages, bounds }: Trend): Forecast {
  const least = Math.max(CHANGE_MIN, messages * CHANGE_SHARE_MIN);
  if (windowMs < WINDOW_MS_MIN || Math.abs(growth) < least) return { kind: 'steady' };
  if (growth < 0) {
    const inMs = (messages * windowMs) / -growth;
    return messages === 0 || inMs > FORETOLD_MS_MAX ? { kind: 'steady' } : { kind: 'empties', inMs };
  }
  const { freeBytes, floorBytes, messagesMax } = bounds;
  const room = freeBytes === undefined ? Infinity : Math.max(0, freeBytes - floorBytes);
  const bySpace = growthBytes > 0 ? (room * windowMs) / growthBytes : Infinity;
  const byMessages = (Math.max(0, messagesMax - messages) * windowMs) / growth;
  const reachedInMs = Math.min(bySpace, byMessages);
  return {
    kind: 'grows',
    bound: bySpace <= byMessages ? 'space' : 'messages',
    reachedInMs: reachedInMs > FORETOLD_MS_MAX ? undefined : reachedInMs,
  };
}

/** A length of time as a person says it who does not know it exactly. */
function about(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 1) return 'less than a minute';
  if (minutes < 90) return `about ${Math.round(minutes)} min`;
  const hours = minutes / 60;
  return hours < 36 ? `about ${Math.round(hours)} h` : `about ${Math.round(hours / 24)} days`;
}

/** The forecast in one sentence; undefined where there is nothing to say. */
export function printMovement({ inPerHour, outPerHour, windowMs, forecast: ahead }: Movement): string | undefined {
  if (ahead.kind === 'steady') return undefined;
  const seen = `${inPerHour} in and ${outPerHour} out per hour, seen for ${Math.max(1, Math.round(windowMs / 60_000))} min`;
  if (ahead.kind === 'empties') return `The queue empties: ${seen}; at this rate it is empty in ${about(ahead.inMs)}.`;
  const bound =
    ahead.bound === 'space' ? 'the floor of free space (queue.spaceFloor)' : 'the most messages (queue.messagesMax)';
  const when =
    ahead.reachedInMs === undefined ? 'no bound is near' : `${bound} is reached in ${about(ahead.reachedInMs)}`;
  return `The queue grows faster than it drains: ${seen}; at this rate ${when}.`;
}
