import type { ByteStream } from '../world/ports/network.ts';
import type { Clock } from '../world/ports/clock.ts';
import { PROXY_GREETING_MS, PROXY_LOOK_TIMEOUT_MS } from './limits.ts';
import type { DialRequest, ProxyTerms } from './port.ts';
import { dialThrough, type ProxyRooms, type ThroughProxy } from './through-proxy.ts';

/** What a look found. */
export type Looked = ThroughProxy & {
  /** Whether the host there says anything, once that is known; it is given a few seconds. */
  readonly greeted?: Promise<boolean>;
};

/** Asks a proxy for a connection that it did not make before, and takes leave of the host there without mail. Never rejects. */
export async function lookThrough(proxy: ProxyTerms, request: DialRequest, rooms: ProxyRooms): Promise<Looked> {
  const timeoutMs = Math.min(request.timeoutMs, PROXY_LOOK_TIMEOUT_MS);
  const seen = await dialThrough(proxy, { ...request, timeoutMs }, rooms);
  return seen.kind === 'open' ? { ...seen, greeted: takeLeave(seen.stream, rooms.world.clock) } : seen;
}

/** A host that greets is owed a QUIT (RFC 5321 §4.1.1.10); any other only an end. */
function takeLeave(stream: ByteStream, clock: Pick<Clock, 'after'>): Promise<boolean> {
  return new Promise((resolve) => {
    let greeted = false;
    const over = (): void => {
      timer.cancel();
      stream.destroy();
      resolve(greeted);
    };
    const timer = clock.after(PROXY_GREETING_MS, over);
    stream.start({
      data() {
        if (!greeted) stream.end('QUIT\r\n');
        greeted = true;
        resolve(true);
      },
      end: over,
      drain() {},
      closed: over,
    });
  });
}
