/** PROXY headers, good and hostile, each against the reader and against a listener: of a proxy, of a stranger, whole and octet by octet. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HeaderReader } from '../../../src/protocol/proxy/header-reader.ts';
import { createProxyInward } from '../../../src/transport/proxy-inward.ts';
import type { ByteStream } from '../../../src/world/ports/network.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { projectRoot } from '../../support/root.ts';
import { streamPair } from '../../support/streams.ts';

interface Vector {
  readonly name: string;
  /** In hexadecimal. */
  readonly octets: string;
  /** 'address port' of the client, 'local' for the proxy itself, 'nobody', 'refused', or 'more' where it is not whole. */
  readonly expect: string;
}

const vectors = JSON.parse(
  readFileSync(join(projectRoot, 'test/vectors/proxy/headers.json'), 'utf8'),
) as readonly Vector[];
const PROXY = { address: '10.0.0.5', port: 40_000 };
const STRANGER = { address: '203.0.113.66', port: 40_000 };
const REST = 'EHLO client.test\r\n';
const TIMEOUT_MS = 5000;
const turn = (): Promise<void> => new Promise(setImmediate);

/** What a reader makes of octets that come in pieces of that size. */
function read(all: Buffer, pieceSize: number): string {
  const reader = new HeaderReader();
  for (let at = 0; at < all.length; at += pieceSize) {
    const reading = reader.receive(all.subarray(at, at + pieceSize));
    if (reading.kind === 'more') continue;
    if (reading.kind === 'refused') return 'refused';
    const { connection } = reading.header;
    if (connection.kind === 'tcp') return `${connection.source.address} ${connection.source.port}`;
    if (connection.kind === 'udp') return 'refused';
    return connection.kind === 'local' ? 'local' : 'nobody';
  }
  return 'more';
}

/** What a listener makes of them, where the proxy sends no more. */
async function take(octets: Buffer, from: typeof PROXY, pieceSize: number): Promise<{ said: string; rest: string }> {
  const clock = new ManualClock();
  const inward = createProxyInward({ clock, journal: { emit: () => undefined } });
  const { client, server } = streamPair({ client: from });
  client.start({ data() {}, end() {}, drain() {}, closed() {} });
  let taken: ByteStream | undefined;
  void inward.take(server, 'mx', { trusted: ['10.0.0.5'], timeout: TIMEOUT_MS }).then((one) => (taken = one));
  for (let at = 0; at < octets.length; at += pieceSize) client.write(octets.subarray(at, at + pieceSize));
  await turn();
  clock.advance(TIMEOUT_MS);
  await turn();
  if (taken === undefined) return { said: 'refused', rest: '' };
  let rest = '';
  taken.start({ data: (chunk) => (rest += chunk.toString('latin1')), end() {}, drain() {}, closed() {} });
  client.write(REST);
  await turn();
  const { address, port } = taken.client;
  if (address === from.address && port === from.port) return { said: 'local', rest };
  return { said: address === '' ? 'nobody' : `${address} ${port}`, rest };
}

test('the reader takes and refuses each header as it should, however it is cut', () => {
  for (const { name, octets, expect } of vectors) {
    const bytes = Buffer.from(octets, 'hex');
    const all = expect === 'more' ? bytes : Buffer.concat([bytes, Buffer.from(REST)]);
    for (const size of [1, 2, 7, 16, 108, 100_000]) assert.equal(read(all, size), expect, `${name}, by ${size}`);
  }
});

test('a trusted proxy’s connection is its client’s, the proxy’s own, nobody’s, or closed: never anything else', async () => {
  for (const { name, octets, expect } of vectors) {
    const bytes = Buffer.from(octets, 'hex');
    for (const size of [1, 100_000]) {
      const { said, rest } = await take(bytes, PROXY, size);
      // A header that does not get whole in time is none.
      assert.equal(said, expect === 'more' ? 'refused' : expect, `${name}, by ${size}`);
      if (said !== 'refused') assert.equal(rest, REST, `${name}: what follows the header is the client's`);
    }
  }
});

test('no header of a stranger changes its address, and none that is whole is taken', async () => {
  for (const { name, octets, expect } of vectors) {
    const { said, rest } = await take(Buffer.from(octets, 'hex'), STRANGER, 1);
    assert.equal(said, 'local', name);
    if (!['refused', 'more'].includes(expect)) assert.equal(rest, '', `${name}: nothing behind it is read`);
  }
});
