/** Front hosts and strangers that do not keep to the rules, against a running service. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { after, before, test } from 'node:test';
import { writeV1, writeV2 } from '../../../src/protocol/proxy/header-writer.ts';
import { mailWith } from '../../support/mailboxes.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const PROXY = '127.0.0.5';
const STRANGER = '127.0.0.66';
const CLIENT = '203.0.113.7';
const ENDS = { source: { address: CLIENT, port: 4711 }, destination: { address: '192.0.2.25', port: 25 } };
const FORGED = writeV1({ ...ENDS, source: { address: '192.0.2.10', port: 1 } });
let service: TestService;
let port: number;

before(async () => {
  port = await freePort();
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${port}, tls: none, proxyProtocol: { trusted: [${PROXY}], timeout: 1s } } }
policy: { localNetworks: [192.0.2.0/24], spf: { mode: 'off' } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
`,
  );
});
after(() => service.remove());

/** Connects, sends pieces with pauses, and resolves with all that was heard until the end or that time. */
function exchange(from: string, pieces: readonly (string | Buffer)[], pauseMs: number, ms = 4000): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port, localAddress: from });
    let heard = '';
    const done = (): void => {
      clearInterval(sending);
      clearTimeout(timer);
      socket.destroy();
      resolve(heard);
    };
    const left = [...pieces];
    const next = (): void => {
      const piece = left.shift();
      if (piece !== undefined && socket.writable) socket.write(piece);
    };
    const sending = setInterval(next, pauseMs);
    const timer = setTimeout(done, ms);
    socket.once('connect', next);
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', done);
  });
}

test('a header that drips in for longer than its time is cut, and a proxy that is merely slow is served', async () => {
  const drops = [...writeV2(ENDS)].map((octet) => Buffer.from([octet]));
  const started = Date.now();
  assert.equal(await exchange(PROXY, drops, 200), '');
  assert.ok(Date.now() - started < 3000, 'no octet buys time');
  const { text } = await service.seen(3655);
  assert.match(text, /within 1000 ms/);
  assert.match(await exchange(PROXY, [...drops, 'QUIT\r\n'], 10), /^220 [\s\S]*221 /);
});

test('headers that claim much, or are endless, are cut at once', async () => {
  const claims = Buffer.concat([writeV2(ENDS).subarray(0, 14), Buffer.from([0xff, 0xff])]);
  for (const header of [claims, `PROXY TCP4 ${'1'.repeat(1000)}`, Buffer.alloc(100_000, 'x')]) {
    const started = Date.now();
    assert.equal(await exchange(PROXY, [header], 50), '');
    assert.ok(Date.now() - started < 900, 'before the time is over');
  }
});

test('a second header behind the first is a command that nobody knows', async () => {
  const second = [
    writeV1(ENDS),
    `${FORGED}EHLO x\r\n`,
    'MAIL FROM:<a@b.test>\r\n',
    'RCPT TO:<c@elsewhere.test>\r\nQUIT\r\n',
  ];
  const heard = await exchange(PROXY, second, 60);
  assert.match(
    heard,
    /^220 [\s\S]*\r\n500 5\.5\.2 [\s\S]*\r\n550 5\.7\.1 /,
    'the client of the first one stays, which may not relay',
  );
  const binary = await exchange(PROXY, [writeV1(ENDS), Buffer.concat([writeV2(ENDS), Buffer.from('QUIT\r\n')])], 60);
  assert.match(binary, /^220 [\s\S]*\r\n500 /);
});

test('a header of a stranger is refused, at once or in drops, and its address is never believed', async () => {
  for (const pieces of [[FORGED], [...FORGED], [writeV2(ENDS)], [`${FORGED}EHLO x\r\nMAIL FROM:<a@b.test>\r\n`]]) {
    const heard = await exchange(STRANGER, pieces, 15);
    assert.match(heard, /^(?:220 [^\r]*\r\n)?554 5\.7\.1 a PROXY header is not taken from this address\r\n$/);
  }
  assert.equal((await service.seen(3656)).data['peer'], STRANGER);
  const later = await exchange(
    STRANGER,
    ['EHLO x\r\n', FORGED, 'MAIL FROM:<a@b.test>\r\n', 'RCPT TO:<c@elsewhere.test>\r\nQUIT\r\n'],
    60,
  );
  assert.match(later, /\r\n500 5\.5\.2 [\s\S]*\r\n550 5\.7\.1 /, 'later on it is no header at all');
});

test('LOCAL is the proxy, UNKNOWN and UNIX are nobody: none of them is a client of our networks', async () => {
  const local = Buffer.concat([writeV2(ENDS).subarray(0, 12), Buffer.from([0x20, 0, 0, 0])]);
  const unix = Buffer.concat([
    writeV2(ENDS).subarray(0, 12),
    Buffer.from([0x21, 0x31, 0, 216]),
    Buffer.alloc(216, '/run/x'),
  ]);
  for (const [header, clause] of [
    [local, /from x\.test \(\[127\.0\.0\.5\]\)/],
    [unix, /from x\.test\r?\n/],
    ['PROXY UNKNOWN\r\n', /from x\.test\r?\n/],
  ] as const) {
    const subject = `header ${count()}`;
    const lines = [
      'EHLO x.test\r\n',
      'MAIL FROM:<a@b.test>\r\n',
      'RCPT TO:<c@elsewhere.test>\r\n',
      'RCPT TO:<alice@example.test>\r\n',
    ];
    const heard = await exchange(
      PROXY,
      [header, ...lines, 'DATA\r\n', `Subject: ${subject}\r\n\r\nx\r\n.\r\nQUIT\r\n`],
      60,
    );
    assert.match(heard, /\r\n550 5\.7\.1 [\s\S]*\r\n354 [\s\S]*\r\n250 2\.0\.0 accepted/);
    assert.match(await mailWith(service, 'alice', new RegExp(`^Subject: ${subject}\\r?$`, 'm')), clause);
  }
});

let counted = 0;
function count(): number {
  counted += 1;
  return counted;
}
