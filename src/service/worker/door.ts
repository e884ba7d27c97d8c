import { Fault } from '../../events/fault.ts';
import { fullReply } from '../../flow/queue/log/space.ts';
import type { Queue } from '../../flow/queue/port.ts';

/** What sessions see of a queue. Where there is no space to open it, they are told so until there is. */
export class QueueDoor implements Pick<Queue, 'begin' | 'condition'> {
  readonly #shard: number;
  #queue: Queue | undefined;

  constructor(shard: number) {
    this.#shard = shard;
  }

  /** The queue is open. */
  use(queue: Queue): void {
    this.#queue = queue;
  }

  condition(): ReturnType<Queue['condition']> {
    return this.#queue?.condition() ?? { accepting: false, reply: fullReply };
  }

  begin(): ReturnType<Queue['begin']> {
    return this.open().begin();
  }

  /** The queue itself. Throws a `Fault` while it is not open. */
  open(): Queue {
    if (this.#queue === undefined)
      throw new Fault('queue.not-accepting', { shard: this.#shard, why: 'the disk is full' });
    return this.#queue;
  }
}
