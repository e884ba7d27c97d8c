import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import * as tls from 'node:tls';
import { writeV1, writeV2 } from '../../../src/protocol/proxy/header-writer.ts';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { HeardLine } from '../../support/heard-line.ts';
import { needs, programPath } from '../../support/needs.ts';
import { listens, type RunningProgram, startProgram, until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needs('haproxy');
const CLIENT = '127.0.0.77';
let service: TestService;
let ports: Readonly<
  Record<
    'mx' | 'submissions' | 'noted' | 'counts' | 'v1' | 'v2' | 'ssl' | 'implicit' | 'bare' | 'notedSsl' | 'countsSsl',
    number
  >
>;
let haproxy: RunningProgram | undefined;
let folder: string;

const YAML = (directory: string): string => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: ${ports.mx}, proxyProtocol: { trusted: [127.0.0.1], timeout: 1s } }
  submissions: { profile: submission, address: 127.0.0.1, port: ${ports.submissions}, tls: implicit, proxyProtocol: { trusted: [127.0.0.1] } }
  noted: { profile: submission, address: 127.0.0.1, port: ${ports.noted}, proxyProtocol: { trusted: [127.0.0.1] } }
  counts: { profile: submission, address: 127.0.0.1, port: ${ports.counts}, tls: required, proxyProtocol: { trusted: [127.0.0.1], tls: counts } }
policy: { localNetworks: [127.0.0.1] }
reception: { connectionsPerAddressMax: 2 }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
`;

const front = (name: string, port: number, to: number, how: string, bind = ''): string =>
  `listen ${name}\n  bind 127.0.0.1:${port} ${bind}\n  server ims 127.0.0.1:${to} ${how}\n`;

before(async () => {
  if (skip !== false) return;
  const free = await Promise.all(Array.from({ length: 11 }, freePort));
  const [mx = 0, submissions = 0, v1 = 0, v2 = 0, ssl = 0, implicit = 0, bare = 0, ...rest] = free;
  const [noted = 0, counts = 0, notedSsl = 0, countsSsl = 0] = rest;
  ports = { mx, submissions, noted, counts, v1, v2, ssl, implicit, bare, notedSsl, countsSsl };
  service = await startService(YAML);
  folder = await mkdtemp(join(tmpdir(), 'ims-haproxy-'));
  const pair = await makeSelfSigned('mail.example.test', Date.now());
  await writeFile(join(folder, 'pair.pem'), `${pair.certificatePem}\n${pair.keyPem}`, { mode: 0o600 });
  const configuration = [
    'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n',
    front('v1', v1, mx, 'send-proxy'),
    front('v2', v2, mx, 'send-proxy-v2 check inter 200ms'),
    front(
      'ssl',
      ssl,
      mx,
      'send-proxy-v2-ssl-cn proxy-v2-options crc32c,unique-id,authority,ssl-cipher',
      `ssl crt ${folder}/pair.pem`,
    ),
    front('implicit', implicit, submissions, 'send-proxy-v2'),
    front('bare', bare, mx, ''),
    front('noted', notedSsl, noted, 'send-proxy-v2-ssl', `ssl crt ${folder}/pair.pem`),
    front('counts', countsSsl, counts, 'send-proxy-v2-ssl', `ssl crt ${folder}/pair.pem`),
  ].join('');
  await writeFile(join(folder, 'haproxy.cfg'), configuration);
  haproxy = startProgram(programPath('haproxy') ?? '', ['-db', '-f', join(folder, 'haproxy.cfg')]);
  for (const port of [v1, v2, ssl, implicit, bare, notedSsl, countsSsl]) await listens({ port });
});
after(async () => {
  await haproxy?.end();
  await service?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** A connection from an address of loopback. */
function connect(port: number, from = CLIENT): net.Socket {
  return net.connect({ host: '127.0.0.1', port, localAddress: from });
}

/** A connection whose first octets go out together with a header. */
function headed(socket: net.Socket, header: Buffer): Duplex {
  let first = header;
  const out = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      socket.write(Buffer.concat([first, chunk]), (error) => done(error));
      first = Buffer.alloc(0);
    },
  });
  socket.on('data', (chunk) => out.push(chunk));
  out.on('close', () => socket.destroy());
  return out;
}

/** A dialogue that waits for what matches. */
class Line extends HeardLine {
  async say(words: string | Buffer, answer: RegExp): Promise<void> {
    this.heard = '';
    this.write(words);
    await this.hears(answer);
  }

  async hears(answer: RegExp): Promise<void> {
    await until(
      () => `${answer} in '${this.heard}'`,
      () => answer.test(this.heard),
      5000,
    );
  }

  async closes(): Promise<void> {
    await until(
      () => `end after '${this.heard}'`,
      () => this.closed,
      5000,
    );
  }
}

async function send(line: Line, subject: string): Promise<string> {
  await line.hears(/^220 /);
  await line.say('EHLO far.test\r\n', /^250 /m);
  await line.say('MAIL FROM:<a@far.test>\r\n', /^250/);
  await line.say('RCPT TO:<alice@example.test>\r\n', /^250/);
  await line.say('DATA\r\n', /^354/);
  await line.say(`Subject: ${subject}\r\n\r\nx\r\n.\r\n`, /^250/);
  line.end();
  const directory = join(service.directory, 'data/mail/example.test/alice/new');
  return until(`the mail ${subject}`, async () => {
    for (const name of await readdir(directory).catch(() => [])) {
      const text = await readFile(join(directory, name), 'utf8');
      if (text.includes(`Subject: ${subject}`)) return text;
    }
    return undefined;
  });
}

test('behind HAProxy (v1, v2, v2 with TLS facts and checksum) the Received field shows the client', {
  skip,
}, async () => {
  for (const port of [ports.v1, ports.v2]) {
    const mail = await send(new Line(connect(port)), `by port ${port}`);
    assert.match(mail, /^Received: from far\.test \(\[127\.0\.0\.77\]\)/m);
  }
  const secured = tls.connect({
    socket: connect(ports.ssl),
    rejectUnauthorized: false,
    servername: 'mail.example.test',
  });
  const field =
    /^Received: from far\.test \(\[127\.0\.0\.77\]\)\r?\n\tby mail\.example\.test with ESMTPS \(TLSv1\.3 to the proxy as mail\.example\.test\) id [^;]*\n\ttls TLS_/m;
  assert.match(await send(new Line(secured), 'by tls'), field);
});

test('TLS that ended at HAProxy lets passwords be said only where the listener says that it counts', {
  skip,
}, async () => {
  const hello = async (port: number): Promise<string> => {
    const line = new Line(tls.connect({ socket: connect(port), rejectUnauthorized: false }));
    await line.hears(/^220 /);
    await line.say('EHLO far.test\r\n', /^250 /m);
    line.end();
    return line.heard;
  };
  assert.doesNotMatch(await hello(ports.notedSsl), /AUTH/);
  const counted = await hello(ports.countsSsl);
  assert.match(counted, /AUTH PLAIN LOGIN/);
  assert.doesNotMatch(counted, /STARTTLS/);
});

test('behind HAProxy implicit TLS begins right after the header', { skip }, async () => {
  const line = new Line(tls.connect({ socket: connect(ports.implicit), rejectUnauthorized: false }));
  await line.hears(/^220 /);
  await line.say('EHLO far.test\r\n', /AUTH PLAIN LOGIN/);
  line.end();
  // The header and the first octets of TLS in one segment.
  const header = writeV2({
    source: { address: '198.51.100.1', port: 1 },
    destination: { address: '198.51.100.2', port: 465 },
  });
  const direct = new Line(
    tls.connect({ socket: headed(connect(ports.submissions, '127.0.0.1'), header), rejectUnauthorized: false }),
  );
  await direct.hears(/^220 /);
  direct.end();
});

test('Q254214: policy and limits see the client, never the proxy', { skip }, async () => {
  // 127.0.0.1, the proxy, may send mail to other domains; its clients may not.
  const stranger = new Line(connect(ports.v2));
  await stranger.hears(/^220 /);
  await stranger.say('EHLO far.test\r\n', /^250 /m);
  await stranger.say('MAIL FROM:<a@far.test>\r\n', /^250/);
  await stranger.say('RCPT TO:<b@elsewhere.test>\r\n', /^550 5\.7\.1/);
  const second = new Line(connect(ports.v1));
  await second.hears(/^220 /);
  const third = new Line(connect(ports.v1));
  await third.hears(/^421 /);
  const others = ['127.0.0.78', '127.0.0.79', '127.0.0.80'].map((address) => new Line(connect(ports.v2, address)));
  for (const other of others) await other.hears(/^220 /);
  for (const line of [stranger, second, third, ...others]) line.end();
});

test('without its header a trusted proxy is cut, with an event, before it hears a word', { skip }, async () => {
  const line = new Line(connect(ports.bare));
  await line.closes();
  assert.equal(line.heard, '');
  const { text } = await service.seen(3655);
  assert.match(text, /127\.0\.0\.1 to mx was closed: no whole PROXY header came within 1000 ms/);
});

test('a header from a stranger is refused with 554 and an event; strangers without one are served', {
  skip,
}, async () => {
  const ends = { source: { address: '198.51.100.1', port: 1 }, destination: { address: '198.51.100.2', port: 25 } };
  for (const header of [writeV1(ends), writeV2(ends)]) {
    const line = new Line(connect(ports.mx, '127.0.0.99'));
    await line.hears(/^220 /);
    await line.say(header, /^554 5\.7\.1 /);
    line.end();
  }
  const early = new Line(connect(ports.submissions, '127.0.0.97'));
  await early.say(writeV2(ends), /^$/);
  await early.closes();
  const stranger = new Line(
    tls.connect({ socket: connect(ports.submissions, '127.0.0.97'), rejectUnauthorized: false }),
  );
  await stranger.hears(/^220 /);
  stranger.end();
  assert.ok(
    service.events.some(
      ({ event, text }) => event === 3656 && text.startsWith('127.0.0.97 sent a PROXY header to submissions'),
    ),
  );
  const { text } = await service.seen(3656);
  assert.match(text, /127\.0\.0\.99 sent a PROXY header to mx/);
  assert.match(await send(new Line(connect(ports.mx, '127.0.0.98')), 'straight'), /\(\[127\.0\.0\.98\]\)/);
});
