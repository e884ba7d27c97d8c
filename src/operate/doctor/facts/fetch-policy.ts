import { errnoOf } from '../../../events/fault.ts';
import type { ByteStream } from '../../../world/ports/network.ts';
import type { Parts } from '../check.ts';
import { policyBytesMax, policyMs } from '../limits.ts';
import { recordsOf } from './published.ts';

/** What a fetch over HTTPS brought. 'unseen' is a fault of the way, 'refused' one of the server. */
export type Fetched =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unseen'; readonly why: string };

const HTTPS = 443;

/** Fetches a text file from a host as senders fetch an MTA-STS policy: verified TLS, status 200, no redirect (RFC 8461 §3.3). */
export async function fetchText(
  { network, resolver, clock }: Pick<Parts, 'network' | 'resolver' | 'clock'>,
  host: string,
  path: string,
): Promise<Fetched> {
  const [four, six] = await Promise.all([resolver.query(host, 'A'), resolver.query(host, 'AAAA')]);
  const address = [...recordsOf(four), ...recordsOf(six)][0];
  if (address === undefined)
    return four.kind === 'failure'
      ? { kind: 'unseen', why: four.reason }
      : { kind: 'refused', why: `${host} has no address` };
  let stream: ByteStream;
  try {
    stream = await network.dial({ address, port: HTTPS, timeoutMs: policyMs });
  } catch (error) {
    return { kind: 'unseen', why: `${address} port ${HTTPS} cannot be reached: ${errnoOf(error)}` };
  }
  try {
    const tls = await stream.startTlsClient({ serverName: host, timeoutMs: policyMs });
    if (tls.verified !== true)
      return { kind: 'refused', why: `the certificate of ${host} is not valid: ${tls.failure ?? 'not verified'}` };
    return readReply(
      await exchange(stream, clock, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
  } catch (error) {
    return { kind: 'refused', why: `no TLS with ${host}: ${error instanceof Error ? error.message : String(error)}` };
  } finally {
    stream.destroy();
  }
}

function exchange(stream: ByteStream, clock: Parts['clock'], request: string): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let length = 0;
    const finish = (): void => {
      timer.cancel();
      resolve(Buffer.concat(parts).toString('utf8'));
    };
    const timer = clock.after(policyMs, finish);
    stream.start({
      data(chunk) {
        parts.push(chunk);
        length += chunk.length;
        if (length > policyBytesMax) finish();
      },
      end: finish,
      drain() {},
      closed: finish,
    });
    stream.write(request);
  });
}

function readReply(text: string): Fetched {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (status === undefined) return { kind: 'refused', why: 'the web server gives no answer' };
  if (status !== '200') return { kind: 'refused', why: `the web server answers ${status}, not 200` };
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end).toLowerCase();
  const body = text.slice(end + 4);
  return { kind: 'text', text: /\r\ntransfer-encoding:\s*chunked/.test(head) ? unchunked(body) : body };
}

/** Joins chunks (RFC 9112 §7.1); what is cut off is left out. */
function unchunked(body: string): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at);
    const size = line === -1 ? 0 : Number.parseInt(body.slice(at, line), 16);
    if (!(size > 0)) break;
    text += body.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return text;
}
