import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { type MemoryStream, streamPair } from '../../test/support/streams.ts';
import type { Journal } from '../events/journal.ts';
import { renderText } from '../events/render.ts';
import { writeV1, writeV2 } from '../protocol/proxy/header-writer.ts';
import type { ByteStream } from '../world/ports/network.ts';
import { HEADER_SILENCE_MS, HEADERS_AWAITED_MAX, REFUSED_LINGER_MS } from './limits.ts';
import { createProxyInward } from './proxy-inward.ts';

const PROXY = { address: '10.0.0.5', port: 40_000 };
const CLIENT = { address: '203.0.113.7', port: 1234 };
const ENDS = { source: CLIENT, destination: { address: '192.0.2.25', port: 25 } };
const TERMS = { trusted: ['10.0.0.0/24', '2001:db8::5'], timeout: 5000 };
const turn = (): Promise<void> => new Promise(setImmediate);

function room() {
  const clock = new ManualClock();
  const said: string[] = [];
  const journal: Journal = { emit: (name, data) => void said.push(renderText({ name, data })) };
  const inward = createProxyInward({ clock, journal });
  const connect = (from = PROXY) => {
    const { client, server } = streamPair({ client: from });
    const heard = listen(client);
    return { far: client, heard, server, taken: inward.take(server, 'mx', TERMS) };
  };
  return { clock, said, connect };
}

/** Reads all that comes. */
function listen(stream: ByteStream): { text: string; ended: boolean; closed: boolean } {
  const heard = { text: '', ended: false, closed: false };
  stream.start({
    data(chunk) {
      heard.text += chunk.toString('latin1');
    },
    end() {
      heard.ended = true;
    },
    drain() {},
    closed() {
      heard.closed = true;
    },
  });
  return heard;
}

test('the client of a trusted proxy is the one in the header, and what follows it comes first', async () => {
  for (const header of [Buffer.from(writeV1(ENDS)), writeV2(ENDS, [], true)]) {
    const { connect, said } = room();
    const { far, taken } = connect();
    far.write(Buffer.concat([header, Buffer.from('EHLO x\r\n')]));
    const stream = await taken;
    assert.ok(stream !== undefined);
    assert.deepEqual([stream.client, stream.peer], [CLIENT, PROXY]);
    far.write('NOOP\r\n');
    await turn();
    const heard = listen(stream);
    far.write('QUIT\r\n');
    far.end();
    await turn();
    assert.deepEqual([heard.text, heard.ended], ['EHLO x\r\nNOOP\r\nQUIT\r\n', true]);
    assert.deepEqual(said, []);
  }
});

test('a header may come octet by octet, and nothing is sent before it is whole', async () => {
  const { connect } = room();
  const { far, heard, taken } = connect();
  for (const octet of writeV2(ENDS)) {
    far.write(Buffer.from([octet]));
    await turn();
    assert.equal(heard.text, '');
  }
  assert.equal((await taken)?.client.address, CLIENT.address);
});

test('LOCAL is the proxy itself; a client whose address is not told is nobody, above all not the proxy', async () => {
  const { connect } = room();
  const clientOf = async (header: string | Buffer): Promise<string | undefined> => {
    const { far, taken } = connect();
    far.write(header);
    return (await taken)?.client.address;
  };
  assert.equal(await clientOf(writeV2(undefined)), PROXY.address);
  assert.equal(await clientOf('PROXY UNKNOWN\r\n'), '');
  assert.equal(await clientOf(Buffer.from('0d0a0d0a000d0a515549540a21000000', 'hex')), '');
  const unix = Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a213100d8', 'hex'), Buffer.alloc(216, 0x31)]);
  assert.equal(await clientOf(unix), '');
});

test('a trusted proxy that sends no header, a malformed one or none in time is cut without a word', async () => {
  const { connect, said, clock } = room();
  const cases = [
    'EHLO x\r\n',
    'PROXY TCP4 1.2.3.4\r\n',
    `PROXY UNKNOWN ${'x'.repeat(200)}`,
    Buffer.from('0d0a0d0a000d0a515549540a2112000c000000000000000000000000', 'hex'),
  ];
  for (const wrong of cases) {
    const { far, heard, taken } = connect({ ...PROXY, address: `10.0.0.${cases.indexOf(wrong) + 10}` });
    far.write(wrong);
    assert.equal(await taken, undefined);
    await turn();
    assert.deepEqual([heard.text, heard.closed], ['', true]);
  }
  const slow = connect();
  slow.far.write('PROXY TCP4 ');
  await turn();
  clock.advance(TERMS.timeout);
  assert.equal(await slow.taken, undefined);
  assert.equal(said.length, cases.length + 1);
  assert.match(
    said[0] ?? '',
    /^a connection from 10\.0\.0\.10 to mx was closed: the connection does not begin with a PROXY header$/,
  );
  assert.match(said.at(-1) ?? '', /no whole PROXY header came within 5000 ms/);
});

test('a proxy that only looks whether we are there is no news, and a wrong header is told once a while', async () => {
  const { connect, said, clock } = room();
  const look = connect();
  look.far.end();
  assert.equal(await look.taken, undefined);
  const cut = connect();
  cut.far.destroy();
  assert.equal(await cut.taken, undefined);
  assert.deepEqual(said, []);
  for (let n = 0; n < 5; n += 1) {
    const wrong = connect();
    wrong.far.write('x');
    await wrong.taken;
  }
  assert.equal(said.length, 1);
  clock.advance(HEADER_SILENCE_MS);
  const wrong = connect();
  wrong.far.write('x');
  await wrong.taken;
  assert.equal(said.length, 2);
  assert.equal(clock.pending, 0);
});

test('so many connections may wait for their header, and one more is cut', async () => {
  const { connect, said, clock } = room();
  const waiting = Array.from({ length: HEADERS_AWAITED_MAX }, () => connect());
  const further = connect();
  assert.equal(await further.taken, undefined);
  assert.match(said[0] ?? '', /1000 connections already wait/);
  clock.advance(TERMS.timeout);
  await Promise.all(waiting.map(({ taken }) => taken));
  const next = connect();
  next.far.write(writeV2(ENDS));
  assert.equal((await next.taken)?.client.address, CLIENT.address);
});

test('a header from an address that is not trusted is refused with 554 and never believed', async () => {
  for (const header of [Buffer.from(writeV1(ENDS)), writeV2(ENDS)]) {
    const { connect, said, clock } = room();
    const { far, heard, server, taken } = connect({ address: '203.0.113.66', port: 1 });
    const stream = await taken;
    assert.equal(stream?.client.address, '203.0.113.66');
    const reader = listen(stream ?? server);
    stream?.write('220 mail\r\n');
    for (const octet of header) far.write(Buffer.from([octet]));
    far.write('EHLO x\r\n');
    await turn();
    assert.equal(heard.text, '220 mail\r\n554 5.7.1 a PROXY header is not taken from this address\r\n');
    assert.deepEqual([reader.text, reader.closed, heard.ended], ['', true, true]);
    assert.deepEqual(said, [
      '203.0.113.66 sent a PROXY header to mx, which does not trust it; the connection was refused',
    ]);
    clock.advance(REFUSED_LINGER_MS);
    await turn();
    assert.equal((server as MemoryStream).destroyed, true);
  }
});

test('strangers who send no header are served as if there were no proxies', async () => {
  const { connect, said } = room();
  const { far, server, taken } = connect({ address: '203.0.113.66', port: 1 });
  const stream = (await taken) ?? server;
  const heard = listen(stream);
  for (const part of ['P', 'R', 'O', 'B', 'E\r\n', '\r\n', 'PROXY TCP4\r\n']) far.write(part);
  far.end();
  await turn();
  assert.deepEqual([heard.text, heard.ended], ['PROBE\r\n\r\nPROXY TCP4\r\n', true]);
  assert.deepEqual(said, []);
  const short = connect({ address: '203.0.113.66', port: 2 });
  const other = listen((await short.taken) ?? short.server);
  short.far.write('PRO');
  short.far.end();
  await turn();
  assert.deepEqual([other.text, other.ended], ['PRO', true]);
});

test('before implicit TLS a stranger’s first octets are looked at too, and TLS gets them', async () => {
  const { connect, said, clock } = room();
  const stranger = { address: '203.0.113.66', port: 1 };
  const options = { context: Object.assign({}, { tlsContext: true as const }), timeoutMs: 1000 };
  const begin = async (first: string | Buffer | undefined): Promise<string> => {
    const { far, server, taken } = connect(stranger);
    const stream = (await taken) ?? server;
    const started = stream.startTlsServer(options).then(
      ({ version }) => version,
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );
    if (first !== undefined) for (const octet of Buffer.from(first)) far.write(Buffer.from([octet]));
    await turn();
    clock.advance(1000);
    const how = await started;
    const heard = listen(stream);
    await turn();
    return `${how} ${heard.text}`.trim();
  };
  assert.equal(await begin('\x16\x03\x01'), 'TLSv1.3 \x16\x03\x01');
  assert.equal(await begin(undefined), 'nothing came to begin TLS with');
  assert.deepEqual(said, []);
  assert.equal(await begin(writeV2(ENDS)), 'it began with a PROXY header');
  assert.match(said[0] ?? '', /203\.0\.113\.66 sent a PROXY header to mx/);
});

test('a connection that ends between its header and its session is told as ended', async () => {
  const { connect } = room();
  const { far, taken } = connect();
  far.write(writeV2(ENDS));
  const stream = await taken;
  far.destroy();
  await turn();
  assert.ok(stream !== undefined);
  const heard = listen(stream);
  stream.resume();
  await turn();
  assert.equal(heard.closed, true);
});

test('no octets of a stranger change its address; those of a proxy do so by a whole header alone', async () => {
  const stranger = { address: '203.0.113.66', port: 1 };
  const headers = [Buffer.from(writeV1(ENDS)), writeV2(ENDS, [], true)];
  const damage = fc.record({ at: fc.nat({ max: 60 }), octet: fc.nat({ max: 255 }), cut: fc.nat({ max: 80 }) });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...headers), damage, async (header, { at, octet, cut }) => {
      const sent = Buffer.from(header.subarray(0, Math.max(1, cut)));
      if (at < sent.length) sent[at] = octet;
      const { connect, clock } = room();
      const other = connect(stranger);
      other.far.write(sent);
      const stream = await other.taken;
      assert.equal((stream ?? other.server).client.address, stranger.address);
      const trusted = connect();
      trusted.far.write(sent);
      await turn();
      clock.advance(TERMS.timeout);
      const client = (await trusted.taken)?.client.address;
      // A version 1 header has no checksum: what reads as another address is one.
      const whole = sent.length === header.length && (sent.equals(header) || header === headers[0]);
      const nobodyElse = [undefined, '', PROXY.address, CLIENT.address].includes(client);
      assert.ok(nobodyElse || whole, `${sent.toString('latin1')} made ${client}`);
    }),
    { numRuns: 200 },
  );
});

/** PP2_TYPE_SSL: its flags, the result of the verification, and what is within. */
function tlsValue(flags: number, verify: number, ...within: readonly (readonly [number, string])[]): Buffer {
  const fixed = Buffer.alloc(5);
  fixed.writeUInt8(flags, 0);
  fixed.writeUInt32BE(verify, 1);
  return Buffer.concat([
    fixed,
    ...within.map(([type, text]) => Buffer.concat([Buffer.from([type, 0, text.length]), Buffer.from(text)])),
  ]);
}

test('what the proxy tells of the client: its TLS with the proxy, and the address of ours that it spoke to', async () => {
  const facts = [
    [0x21, 'TLSv1.3'],
    [0x23, 'TLS_AES_128_GCM_SHA256'],
    [0x22, 'laptop'],
  ] as const;
  const known = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', serverName: 'mx.test' };
  const cases = [
    { ssl: tlsValue(7, 0, ...facts), told: { ...known, clientName: 'laptop' } },
    { ssl: tlsValue(7, 1, ...facts), told: known },
    { ssl: tlsValue(1, 0), told: { version: 'TLS', cipher: '', serverName: 'mx.test' } },
    { ssl: tlsValue(0, 0, ...facts), told: undefined },
  ];
  for (const { ssl, told } of cases) {
    const { connect } = room();
    const { far, taken } = connect();
    far.write(
      writeV2(ENDS, [
        { type: 2, value: Buffer.from('mx.test') },
        { type: 0x20, value: ssl },
      ]),
    );
    const stream = await taken;
    assert.deepEqual(stream?.tlsToProxy, told);
    assert.equal(stream?.tls, undefined, 'this connection itself is in the clear');
    assert.deepEqual(stream?.local, ENDS.destination);
  }
});
