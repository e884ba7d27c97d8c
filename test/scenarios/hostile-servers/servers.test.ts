/** Next hops that lie, flood, drip and break off: the message stays or is answered for, and the service goes on. */
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

/** What a server says to a command line; '' is the greeting, '.' the end of data. */
type Says = (line: string, socket: Socket) => string | undefined;

const GOOD: Readonly<Record<string, string>> = {
  '': '220 evil.test',
  EHLO: '250 evil.test',
  DATA: '354 go',
  QUIT: '221 bye',
};
const good = (line: string): string => `${GOOD[line.slice(0, 4)] ?? '250 ok'}\r\n`;
const only =
  (verb: string, said: string | ((socket: Socket) => void)): Says =>
  (line, socket) => {
    if (line.slice(0, 4) !== verb) return good(line);
    if (typeof said === 'string') return said;
    said(socket);
    return undefined;
  };
const flood =
  (piece: string) =>
  (socket: Socket): void => {
    const chunk = Buffer.from(piece.repeat(2000));
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  };

const DEFERRED = /^deferred/;
const SERVERS: Readonly<Record<string, readonly [Says, RegExp]>> = {
  'a greeting of one line without end': [only('', flood('2')), DEFERRED],
  'a greeting of lines without end': [only('', flood('220-more\r\n')), DEFERRED],
  'an answer to EHLO of lines without end': [only('EHLO', flood('250-X-MORE\r\n')), DEFERRED],
  'an answer to RCPT without end': [only('RCPT', flood('x')), DEFERRED],
  'an answer to the end of data without end': [only('.', flood('250-ok\r\n')), DEFERRED],
  'a greeting of another protocol': [only('', 'SSH-2.0-OpenSSH_9.2\r\n'), DEFERRED],
  'codes that are none': [only('MAIL', '000 zero\r\n'), DEFERRED],
  'a code of 1yz': [only('RCPT', '150 wait\r\n'), DEFERRED],
  '354 to MAIL': [only('MAIL', '354 now\r\n'), DEFERRED],
  '250 to DATA': [only('DATA', '250 ok\r\n'), DEFERRED],
  '250 together with 354, before any content': [only('DATA', '354 go\r\n250 taken\r\n'), DEFERRED],
  'two replies to each command': [(line) => (line === '' ? good(line) : good(line) + good(line)), DEFERRED],
  'a reset in answer to the end of data': [
    only('.', (socket) => void socket.resetAndDestroy()),
    /^deferred 451 4\.4\.2 the connection was lost after the whole message/,
  ],
  'the end in answer to MAIL': [only('MAIL', (socket) => void socket.end()), DEFERRED],
  '421 to RCPT': [only('RCPT', '421 4.3.2 not now\r\n'), /^deferred 421 4\.3\.2 not now/],
  '421 to the end of data': [only('.', '421 4.3.2 not now\r\n'), DEFERRED],
  'control characters and a forged line in a refusal': [
    only('RCPT', '550 5.1.1 no\x1b[2J\x07\0 such\r\n'),
    /^failed 550 5\.1\.1 no\?\[2J\?\? such/,
  ],
  'a refusal in octets that are no UTF-8': [only('.', '554 5.7.1 n\xf6\xff\r\n'), /^failed 554 5\.7\.1/],
  'STARTTLS with clear text behind the 220': [
    (line) =>
      line.startsWith('EHLO')
        ? '250-evil.test\r\n250 STARTTLS\r\n'
        : line === 'STARTTLS'
          ? '220 go\r\n250 evil.test\r\n250 ok\r\n250 ok\r\n354 go\r\n'
          : good(line),
    /^delivered/, // opportunistic TLS that breaks is followed by the clear, where this server behaves
  ],
  'strange keywords in answer to EHLO': [
    only(
      'EHLO',
      `250-evil.test\r\n250-\r\n250- SIZE\r\n250-SIZE -5\r\n250-__proto__ x\r\n250-LIMITS RCPTMAX=0 MAILMAX=99999999999999999999 =\r\n250-AUTH=\r\n250 ${'X'.repeat(3000)}\r\n`,
    ),
    /^delivered/,
  ],
  'a smallest size of one octet': [only('EHLO', '250-evil.test\r\n250 SIZE 1\r\n'), /^failed 552 5\.3\.4/],
  'replies octet by octet': [
    (line, socket) => {
      for (const octet of good(line)) setImmediate(() => socket.write(octet));
      return undefined;
    },
    /^delivered/,
  ],
};

let service: TestService;
let port: number;
const servers: Server[] = [];

function serve(says: Says): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    let buffer = '';
    let inData = false;
    const say = (line: string): void => {
      const said = says(line, socket);
      if (said !== undefined && !socket.destroyed) socket.write(said, 'latin1');
      if (line.startsWith('QUIT')) socket.end();
    };
    say('');
    socket.on('data', (chunk: Buffer) => {
      buffer += chunk.toString('latin1');
      for (;;) {
        const mark = inData ? '\r\n.\r\n' : '\r\n';
        const end = buffer.indexOf(mark);
        if (end < 0) return;
        const line = inData ? '.' : buffer.slice(0, end);
        buffer = buffer.slice(end + mark.length);
        inData = line === 'DATA';
        say(line);
      }
    });
  });
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

before(async () => {
  port = await freePort();
  const hosts: string[] = [];
  const spaces: string[] = [];
  for (const [i, [says]] of Object.values(SERVERS).entries()) {
    hosts.push(`    s${i}: { hosts: [{ host: 127.0.0.1, port: ${await serve(says)} }] }`);
    spaces.push(`    - { match: s${i}.test, via: s${i} }`);
  }
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx: port },
      more: `policy: { localNetworks: [127.0.0.0/8] }
delivery: { timeouts: { connect: 2s, greeting: 3s, mail: 3s, recipient: 3s, dataStart: 3s, dataBlock: 3s, dataEnd: 3s } }
routing:
  smartHosts:
${hosts.join('\n')}
  addressSpaces:
${spaces.join('\n')}
`,
    }),
  );
});
after(async () => {
  await service.remove();
  for (const server of servers) server.close();
});

for (const [i, [what, [, expected]]] of Object.entries(SERVERS).entries()) {
  test(`a server with ${what}`, async () => {
    const recipient = `to@s${i}.test`;
    const line = await SmtpLine.open(port);
    await line.expect(220);
    await line.say('EHLO client.test', 250);
    await line.say('MAIL FROM:<>', 250); // nobody is told, so nothing else is on its way
    await line.say(`RCPT TO:<${recipient}>`, 250);
    await line.say('DATA', 354);
    await line.say('Subject: x\r\n\r\ny\r\n.', 250);
    line.close();
    const outcome = await until(`no attempt for ${recipient}`, async () => attempted(recipient));
    assert.match(outcome, expected);
  });
}

/** The first outcome of an attempt for a recipient in words. */
async function attempted(recipient: string): Promise<string | undefined> {
  const { stdout } = await service.ims('trace', recipient, '--json');
  for (const entry of entriesIn(JSON.parse(stdout || '[]'))) {
    const outcomes = entry['outcomes'];
    if (entry['what'] !== 'attempt' || !Array.isArray(outcomes)) continue;
    const [{ kind, reply }] = outcomes as [{ kind: string; reply?: { code: number; detail?: string; text: string[] } }];
    const status = reply?.detail === undefined ? '' : ` ${Math.floor(reply.code / 100)}.${reply.detail}`;
    return `${kind} ${reply?.code ?? ''}${status} ${reply?.text.join(' / ') ?? ''}`;
  }
  return undefined;
}

/** All objects within a value. */
function* entriesIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* entriesIn(inner);
}

test('after all of this no process has been replaced and nothing is broken', async () => {
  const names = [
    'supervisor.child-ended',
    'journal.unexpected-error',
    'service.part-failed',
    'scheduler.attempt-broke',
  ];
  assert.deepEqual(
    service.events.filter(({ name }) => names.includes(name)),
    [],
  );
});
