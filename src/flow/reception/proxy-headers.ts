import type { Journal } from '../../events/journal.ts';
import { proxyHeaderPeersMax } from './limits.ts';

/** A header of version 2 begins so. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Tells of PROXY headers where none is expected, once for each sender: behind a load balancer every connection begins so. */
export class ProxyHeaders {
  readonly #journal: Journal;
  readonly #told = new Set<string>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Looks at a command line that was refused. */
  refused(line: string, client: string, listener: string): void {
    if (/^PROXY (?:TCP[46]|UNKNOWN)\b/.test(line)) this.#tell(client, listener, 1);
  }

  /** Looks at the first octets of a client. */
  begins(chunk: Buffer, client: string, listener: string): void {
    if (chunk.subarray(0, SIGNATURE.length).equals(SIGNATURE)) this.#tell(client, listener, 2);
  }

  #tell(client: string, listener: string, version: number): void {
    const key = `${listener} ${client}`;
    if (this.#told.has(key)) return;
    for (const oldest of this.#told) {
      if (this.#told.size < proxyHeaderPeersMax) break;
      this.#told.delete(oldest);
    }
    this.#told.add(key);
    this.#journal.emit('reception.proxy-header-unexpected', { client, listener, version });
  }
}
