/** Clients that want to relay, to hide commands, to break in, or to wear the service out. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { hashPassword } from '../../../src/world/node/passwords.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService;
let ports: { mx: number; submission: number; submissions: number; lmtp: number };

before(async () => {
  ports = { mx: await freePort(), submission: await freePort(), submissions: await freePort(), lmtp: await freePort() };
  const hash = await hashPassword('correct horse');
  service = await startService((directory) =>
    testConfiguration({ directory, ports, hashes: { alice: hash, bob: hash } }),
  );
});
after(() => service.remove());

/** Sends pieces, each after a reply to the one before, and returns all that was said until the end or until `replies` replies. */
async function dialogue(port: number, pieces: readonly string[], replies: number): Promise<string> {
  const line = await SmtpLine.open(port);
  let said = await line.reply();
  try {
    for (const piece of pieces) line.write(piece);
    for (let i = 0; i < replies; i += 1) said += await line.reply();
  } catch {
    said += '(closed)';
  } finally {
    line.close();
  }
  return said;
}

/** All that a socket gets until it is closed. */
function heard(socket: Socket | TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

const SENDERS = [
  'spam@client.test',
  '',
  'alice@example.test',
  'spam',
  'spam@[127.0.0.1]',
  'spam@mail.example.test',
  'postmaster@example.test',
];
const RELAYS = [
  'user@remote.test',
  'user%remote.test@example.test',
  'user%remote.test@[127.0.0.1]',
  '"user@remote.test"',
  '"user@remote.test"@example.test',
  '"user%remote.test"@example.test',
  '"user%remote.test"',
  'user@remote.test@example.test',
  'user@remote.test@[127.0.0.1]',
  '@example.test:user@remote.test',
  '@[127.0.0.1]:user@remote.test',
  '@mail.example.test:user%remote.test@example.test',
  'remote.test!user',
  'remote.test!user@example.test',
  'remote.test!user@[127.0.0.1]',
  'example.test!remote.test!user',
  'user@[192.0.2.1]',
  'user@[IPv6:2001:db8::1]',
  'user@3232235521',
  'user@remote.test.',
  'user@example.test@remote.test',
  'user%remote.test',
  '"user@remote.test"%example.test@example.test',
  'IMCEASMTP-user+40remote+2Etest@example.test',
  'user@sub.example.test',
  'user@example.test.remote.test',
];

test(`third-party relay: ${RELAYS.length} forms from ${SENDERS.length} senders are refused at RCPT, by SMTP and by LMTP`, async () => {
  for (const [port, hello] of [
    [ports.mx, 'EHLO'],
    [ports.lmtp, 'LHLO'],
  ] as const) {
    for (const sender of SENDERS) {
      for (const recipient of RELAYS) {
        const said = await dialogue(
          port,
          [`${hello} relay.test\r\nMAIL FROM:<${sender}>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`],
          4,
        );
        const [data = '', rcpt = ''] = said.trim().split('\r\n').reverse();
        assert.match(rcpt, /^5(?:0[13]|5[0-9]) 5\./, `${hello} from <${sender}> to <${recipient}>: ${said}`);
        assert.match(data, /^5(?:03|54) 5\.5\.1/, said);
      }
    }
  }
});

test('without a login nothing begins on the submission port, and none is taken in the clear', async () => {
  const said = await dialogue(
    ports.submission,
    ['EHLO x.test\r\nMAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nAUTH PLAIN AGFsaWNlAHg=\r\n'],
    4,
  );
  assert.match(said, /\n530 5\.7\.0[^\n]*\n503 5\.5\.1[^\n]*\n538 5\.7\.11/);
});

test('postmaster is taken in every form, for every domain and for this host; nobody else without a domain', async () => {
  const taken = [
    'postmaster',
    'Postmaster',
    'POSTMASTER@example.test',
    'postmaster@mail.example.test',
    '"postmaster"',
    '"Post\\master"@EXAMPLE.TEST',
  ];
  for (const recipient of taken) {
    const said = await dialogue(ports.mx, [`EHLO x.test\r\nMAIL FROM:<>\r\nRCPT TO:<${recipient}>\r\n`], 3);
    assert.match(said, /250 2\.1\.5[^\n]*\n$/, recipient);
  }
  for (const recipient of ['alice', 'postmaste', 'postmasters', 'postmaster@', '@example.test']) {
    const said = await dialogue(ports.mx, [`EHLO x.test\r\nMAIL FROM:<>\r\nRCPT TO:<${recipient}>\r\n`], 3);
    assert.match(said, /501 5\.1\.3[^\n]*\n$/, recipient);
  }
});

test('octets that are no SMTP: HTTP, a TLS ClientHello on a plain port, plain text on a TLS port, noise', async () => {
  assert.match(
    await dialogue(
      ports.mx,
      ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nEHLO x\r\nMAIL FROM:<a@b.test>\r\n'],
      3,
    ),
    /421 4\.7\.0[^\n]*\n\(closed\)$/,
  );
  const tlsOnPlain = connectTls({ host: '127.0.0.1', port: ports.mx, rejectUnauthorized: false });
  await heard(tlsOnPlain);
  const plainOnTls = connect(ports.submissions, '127.0.0.1');
  plainOnTls.write('EHLO x.test\r\nQUIT\r\n');
  const answer = await heard(plainOnTls);
  assert.doesNotMatch(answer, /^[245]\d\d[ -]/);
  let state = 1;
  const noise = Buffer.alloc(200_000);
  for (let i = 0; i < noise.length; i += 1) {
    state = (state * 48_271) % 2_147_483_647;
    noise[i] = state & 255;
  }
  const socket = connect(ports.mx, '127.0.0.1');
  socket.write(noise);
  assert.match(await heard(socket), /^220 [\s\S]*\r\n421 [^\n]*\r\n$/);
});

test('octet by octet, a dialogue is what it is', async () => {
  const socket = connect({ port: ports.mx, host: '127.0.0.1', noDelay: true });
  const all = heard(socket);
  const words =
    'EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nBDAT 9\r\nX: y\r\n\r\n.BDAT 4 LAST\r\n\r\nz.QUIT\r\n';
  for (const octet of words) {
    socket.write(octet);
    await new Promise(setImmediate);
  }
  assert.match(await all, /250 2\.0\.0 9 octets received\r\n250 2\.0\.0 accepted as [^\n]+\n221 [^\n]+\n$/);
});

test('connections that break off anywhere leave nothing behind', async () => {
  const [worker = 0] = await service.workers();
  const before = (await readdir(`/proc/${worker}/fd`)).length;
  const steps = [
    'EHLO x.test\r\n',
    'MAIL FROM:<a@b.test>\r\n',
    'RCPT TO:<alice@example.test>\r\n',
    'DATA\r\n',
    'X: y\r\n\r\n',
    `${'z'.repeat(500_000)}`,
    '\r\n.\r\n',
  ];
  for (let cut = 0; cut <= steps.length; cut += 1) {
    for (const how of ['reset', 'half-close', 'end'] as const) {
      const socket = connect({ port: ports.mx, host: '127.0.0.1', allowHalfOpen: true });
      const all = heard(socket);
      socket.once('end', () => socket.end());
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write(steps.slice(0, cut).join(''));
      if (how === 'reset') socket.resetAndDestroy();
      else if (how === 'half-close') socket.end();
      else socket.destroySoon();
      await all;
    }
  }
  await until('descriptors remain', async () => (await readdir(`/proc/${worker}/fd`)).length <= before + 3);
});

test('a writer that never reads its replies is not served for ever, and costs little', async () => {
  const socket = connect(ports.mx, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  await new Promise((resolve) => socket.once('connect', resolve));
  const [worker = 0] = await service.workers();
  const before = await memoryOf(worker);
  let sent = 0;
  const flood = `${'RSET\r\n'.repeat(10_000)}`;
  await new Promise<void>((resolve) => {
    const more = (): void => {
      while (sent < 200) {
        sent += 1;
        if (!socket.write(flood)) break;
      }
      if (sent >= 200) resolve();
    };
    socket.on('drain', more);
    socket.on('close', () => resolve());
    more();
    setTimeout(resolve, 1500).unref();
  });
  assert.ok((await memoryOf(worker)) - before < 64 * 1024, 'kilobytes');
  socket.destroy();
});

test('thousands of connections opened and cut, and logins guessed at once: others are served meanwhile', async () => {
  const guesses = Array.from({ length: 60 }, () => guess());
  const storm = (async () => {
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(
        Array.from(
          { length: 100 },
          () =>
            new Promise<void>((resolve) => {
              const socket = connect(ports.mx, '127.0.0.1', () => {
                socket.resetAndDestroy();
                resolve();
              });
              socket.on('error', () => resolve());
            }),
        ),
      );
    }
  })();
  let served = 0;
  for (let i = 0; i < 20; i += 1) {
    const said = await dialogue(
      ports.lmtp,
      ['LHLO x.test\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nX: y\r\n\r\nz\r\n.\r\n'],
      5,
    );
    if (/250 2\.0\.0 accepted/.test(said)) served += 1;
  }
  assert.equal(served, 20);
  await storm;
  for (const said of await Promise.all(guesses)) assert.match(said, /(?:535 5\.7\.8|454 4\.7\.0|421 4\.7\.0)[^\n]*\n$/);
});

/** One login with a wrong password over TLS. */
function guess(): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: '127.0.0.1', port: ports.submissions, rejectUnauthorized: false });
    let said = '';
    socket.on('error', () => resolve(said));
    socket.on('close', () => resolve(said));
    socket.on('data', (chunk: Buffer) => {
      const first = said === '';
      said += chunk.toString('latin1');
      if (first)
        socket.write(
          `EHLO x.test\r\nAUTH PLAIN ${Buffer.from(`\0alice@example.test\0wrong ${Math.random()}`).toString('base64')}\r\n`,
        );
      if (/\n(?:535|454|421) [^\n]*\n$/.test(said)) socket.end();
    });
  });
}

/** Resident memory of a process in kilobytes. */
async function memoryOf(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
}

test('after all of this no process has been replaced and nothing is broken', async () => {
  const bad = service.events.filter(({ name }) =>
    ['supervisor.child-ended', 'reception.session-broken', 'journal.unexpected-error', 'service.part-failed'].includes(
      name,
    ),
  );
  assert.deepEqual(bad, []);
  assert.match(await dialogue(ports.mx, ['NOOP\r\n'], 1), /250 2\.0\.0 OK\r\n$/);
});
