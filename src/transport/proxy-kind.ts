import type { ByteStream } from '../world/ports/network.ts';
import type { Clock } from '../world/ports/clock.ts';
import type { ProxyTerms } from './port.ts';

/**
 * What a proxy of the other kind is asked, and how its answer begins. One that knows nothing but CONNECT answers nothing else,
 * and no mail host is bothered: the port is that of discard, on the proxy itself.
 */
const OTHER = {
  socks5: {
    ask: 'CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n',
    begins: 'HTTP/',
    words: 'it answers in HTTP, not in SOCKS 5',
  },
  'http-connect': { ask: '\x05\x01\x00', begins: '\x05', words: 'it answers in SOCKS 5, not in HTTP' },
} as const;

/** Most proxies of version 4 hang up on version 5. */
const SOCKS4 = {
  ask: '\x04\x01\x00\x09\x7f\x00\x00\x01\x00',
  begins: '\x00',
  words: 'it answers in SOCKS 4, not in SOCKS 5',
};

/**
 * Finds out what a proxy speaks that gave no answer in its configured kind: the other kind, or TLS where none is configured.
 * Undefined where it answers to neither. `reach` connects to it. Never rejects.
 */
export async function otherKindOf(
  { kind, tls, host }: ProxyTerms,
  reach: () => Promise<ByteStream | { readonly why: string }>,
  clock: Pick<Clock, 'after'>,
  timeoutMs: number,
): Promise<string | undefined> {
  const asked = (what: typeof SOCKS4 | (typeof OTHER)[ProxyTerms['kind']]): Promise<'yes' | 'no'> =>
    reach().then((stream) => ('why' in stream ? 'no' : answersTo(stream, what, clock, timeoutMs)));
  const [other, older, secured] = await Promise.all([
    asked(OTHER[kind]),
    kind === 'socks5' ? asked(SOCKS4) : undefined,
    tls === 'none'
      ? reach().then((stream) => ('why' in stream ? 'no' : agreesOnTls(stream, host, timeoutMs)))
      : undefined,
  ]);
  if (other === 'yes') return OTHER[kind].words;
  if (older === 'yes') return SOCKS4.words;
  return secured === 'yes' ? 'it speaks TLS, and tls of this proxy is none' : undefined;
}

/** The same for a proxy with which no TLS could be agreed on: what it answers in without. */
export async function plainKindOf(
  { tls }: Pick<ProxyTerms, 'tls'>,
  reach: () => Promise<ByteStream | { readonly why: string }>,
  clock: Pick<Clock, 'after'>,
  timeoutMs: number,
): Promise<string | undefined> {
  const [http, socks] = await Promise.all(
    [OTHER.socks5, OTHER['http-connect']].map((other) =>
      reach().then((stream) => ('why' in stream ? 'no' : answersTo(stream, other, clock, timeoutMs))),
    ),
  );
  if (http !== 'yes' && socks !== 'yes') return undefined;
  return `it answers in ${http === 'yes' ? 'HTTP' : 'SOCKS 5'} without TLS, and tls of this proxy is ${tls}`;
}

function answersTo(
  stream: ByteStream,
  { ask, begins }: { readonly ask: string; readonly begins: string },
  clock: Pick<Clock, 'after'>,
  timeoutMs: number,
): Promise<'yes' | 'no'> {
  return new Promise((resolve) => {
    let heard = '';
    const end = (how: 'yes' | 'no'): void => {
      timer.cancel();
      stream.destroy();
      resolve(how);
    };
    const timer = clock.after(timeoutMs, () => end('no'));
    stream.start({
      data(chunk) {
        heard += chunk.toString('latin1', 0, begins.length);
        if (heard.length >= begins.length) end(heard.startsWith(begins) ? 'yes' : 'no');
      },
      end: () => end('no'),
      drain() {},
      closed: () => end('no'),
    });
    stream.write(Buffer.from(ask, 'latin1'));
  });
}

async function agreesOnTls(stream: ByteStream, serverName: string, timeoutMs: number): Promise<'yes' | 'no'> {
  const agreed = await stream.startTlsClient({ serverName, timeoutMs }).then(
    () => 'yes' as const,
    () => 'no' as const,
  );
  stream.destroy();
  return agreed;
}
