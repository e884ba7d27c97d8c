/** Connections whose octets are sent again and again, as the kernel shows them. */
import type { Host } from '../../../world/ports/host.ts';
import { retransmitsTelling } from '../limits.ts';
import { ipOfHex } from './sockets.ts';

/** A connection that is open and does not get rid of what it sends. */
export interface StalledSocket {
  readonly address: string;
  readonly port: number;
  readonly unacknowledged: number;
  /** How often the oldest of it has been sent again. */
  readonly again: number;
}

const ESTABLISHED = '01';
const RETRANSMITTING = '01';

/** Reads /proc/net/tcp or tcp6. */
export function parseStalled(text: string): readonly StalledSocket[] {
  const found: StalledSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] !== ESTABLISHED) continue;
    const [address = '', port = ''] = (fields[2] ?? '').split(':');
    const unacknowledged = Number.parseInt((fields[4] ?? '').split(':')[0] ?? '', 16);
    const again = Number.parseInt(fields[6] ?? '', 16);
    if ((fields[5] ?? '').split(':')[0] !== RETRANSMITTING || unacknowledged === 0 || again < retransmitsTelling)
      continue;
    found.push({ address: ipOfHex(address), port: Number.parseInt(port, 16), unacknowledged, again });
  }
  return found;
}

/** All of them; undefined where this cannot be seen. */
export async function stalledSockets(host: Host): Promise<readonly StalledSocket[] | undefined> {
  const [four, six] = await Promise.all([host.text('/proc/net/tcp'), host.text('/proc/net/tcp6')]);
  if (!four.ok && !six.ok) return undefined;
  return [...parseStalled(four.ok ? four.value : ''), ...parseStalled(six.ok ? six.value : '')];
}
