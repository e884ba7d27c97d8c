import { Fault } from '../../../events/fault.ts';
import type { QueueId } from '../../../mail/queue-id.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import type { StoredOctets } from '../content.ts';
import { queueLimits } from '../limits.ts';

/** Octets in a file of their own, read piece by piece. */
export class BigOctets implements StoredOctets {
  readonly sizeBytes: number;
  readonly whole = undefined;
  readonly #disk: Disk;
  readonly #path: string;
  readonly #queueId: QueueId;

  constructor(disk: Disk, path: string, sizeBytes: number, queueId: QueueId) {
    this.#disk = disk;
    this.#path = path;
    this.sizeBytes = sizeBytes;
    this.#queueId = queueId;
  }

  async *range(start: number, end: number): AsyncGenerator<Buffer> {
    const file = await this.#disk.open(this.#path, 'read');
    try {
      for (let at = start; at < end; ) {
        const wanted = Math.min(queueLimits.chunkBytes, end - at);
        const chunk = Buffer.allocUnsafeSlow(wanted);
        const read = await file.read(chunk, 0, wanted, at);
        if (read === 0)
          throw new Fault('queue.content-damaged', {
            queueId: this.#queueId,
            path: this.#path,
            why: 'the file is too short',
          });
        yield read === wanted ? chunk : chunk.subarray(0, read);
        at += read;
      }
    } finally {
      await file.close();
    }
  }
}
