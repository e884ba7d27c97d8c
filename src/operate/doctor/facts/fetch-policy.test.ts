import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import type { ByteSink, ByteStream, TlsFacts } from '../../../world/ports/network.ts';
import type { Parts } from '../check.ts';
import { fetchText, type Fetched } from './fetch-policy.ts';

const VERIFIED: TlsFacts = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', verified: true };
const POLICY = 'version: STSv1\nmode: testing\nmx: a.test\nmax_age: 1\n';

/** Fetches from a web server that answers so. */
function fetched(reply: string, tls: TlsFacts = VERIFIED): Promise<Fetched> {
  const end = { address: '192.0.2.8', port: 443 };
  let sink: ByteSink | undefined;
  const stream: ByteStream = {
    local: end,
    peer: end,
    client: end,
    tls: undefined,
    pendingBytes: 0,
    start: (given) => {
      sink = given;
    },
    write(request) {
      assert.match(String(request), /^GET \/p HTTP\/1\.1\r\nHost: web\.company\.com\r\n/);
      sink?.data(Buffer.from(reply));
      sink?.end();
      return true;
    },
    pause() {},
    resume() {},
    unread() {},
    end() {},
    destroy() {},
    startTlsServer: () => Promise.reject(new Error('no server')),
    startTlsClient: async () => tls,
  };
  const parts: Pick<Parts, 'network' | 'resolver' | 'clock'> = {
    network: { dial: async () => stream, datagram: () => Promise.reject(new Error('none')) },
    resolver: zoneResolver('web.company.com A 192.0.2.8\n'),
    clock: { now: () => 0, wall: () => 0, soon: (fn) => fn(), after: () => ({ cancel() {} }) },
  };
  return fetchText(parts, 'web.company.com', '/p');
}

test('a policy is fetched whole or in chunks', async () => {
  assert.deepEqual(await fetched(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n${POLICY}`), {
    kind: 'text',
    text: POLICY,
  });
  const size = POLICY.length.toString(16);
  const chunked = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${POLICY}\r\n0\r\n\r\n`;
  assert.deepEqual(await fetched(chunked), { kind: 'text', text: POLICY });
});

test('redirects, errors, certificates that do not hold and nonsense are refused', async () => {
  const why = async (reply: string, tls?: TlsFacts): Promise<string> => {
    const found = await fetched(reply, tls);
    return found.kind === 'refused' ? found.why : found.kind;
  };
  assert.match(await why('HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n'), /answers 301, not 200/);
  assert.match(await why('SSH-2.0-x\r\n'), /no answer/);
  assert.match(
    await why('', { ...VERIFIED, verified: false, failure: 'expired' }),
    /certificate .* is not valid: expired/,
  );
});
