/** Proxies that fail in every way that their protocols allow: named by what they do, and no mail is returned for it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';
import {
  answers,
  type Behaviour,
  goodHttp,
  goodSocks,
  greets,
  joinTo,
  type ScriptedProxy,
  socksAnswers,
  socksReply,
  socksRequest,
  startScriptedProxy,
} from './scripted-proxies.ts';

/** Something that a proxy does, the event that names it, and its words. */
interface Trouble {
  readonly kind: 'socks5' | 'http-connect';
  readonly does: Behaviour;
  readonly event: number;
  readonly words: RegExp;
  readonly login?: string;
}

const socks = (does: Behaviour, event: number, words: RegExp, login?: string): Trouble => ({
  kind: 'socks5',
  does,
  event,
  words,
  ...(login === undefined ? {} : { login }),
});
const http = (does: Behaviour, event: number, words: RegExp): Trouble => ({ kind: 'http-connect', does, event, words });
const LOGIN = 'login: { user: ims, password: secret }';
const page = (status: string, text: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'socks4-answer': socks(
    answers(Buffer.from([0, 91, 0, 0, 0, 0, 0, 0])),
    3653,
    /a proxy that speaks SOCKS 4 only$|, a proxy that speaks SOCKS 4 only;/,
  ),
  'socks4-closes': socks(
    async (socket, heard) => {
      const [version] = await heard();
      socket.end(Buffer.from(version === 4 ? [0, 91, 0, 0, 0, 0, 0, 0] : []));
    },
    3653,
    /it answers in SOCKS 4, not in SOCKS 5/,
  ),
  'no-method': socks(answers(Buffer.from([5, 255])), 3652, /it asks for a login, and none is configured/),
  'no-method-login': socks(answers(Buffer.from([5, 255])), 3652, /it accepts neither our kind of login/, LOGIN),
  'gssapi-method': socks(answers(Buffer.from([5, 1])), 3653, /it chose the login method 1, which was not offered/),
  'wrong-password': socks(
    async (socket, heard) => {
      await heard();
      socket.write(Buffer.from([5, 2]));
      await heard();
      socket.end(Buffer.from([1, 1]));
    },
    3652,
    /it refused user and password \(status 1\)/,
    LOGIN,
  ),
  'reply-1': socks(socksAnswers(socksReply(1)), 3654, /general SOCKS server failure/),
  'reply-2': socks(socksAnswers(socksReply(2)), 3654, /connection not allowed by ruleset/),
  'reply-7': socks(socksAnswers(socksReply(7)), 3654, /command not supported/),
  'reply-8': socks(socksAnswers(socksReply(8)), 3654, /address type not supported/),
  'reply-99': socks(socksAnswers(socksReply(99)), 3654, /reply 99, which has no meaning/),
  truncated: socks(socksAnswers(socksReply(0).subarray(0, 6)), 3651, /it closed the connection/),
  'closes-at-once': socks((socket) => void socket.destroy(), 3651, /it closed the connection/),
  'ssh-at-port': socks(greets('SSH-2.0-OpenSSH_9.2\r\n'), 3653, /not SOCKS 5: 'SSH-2\.0-OpenSSH_9\.2', an SSH server/),
  'smtp-at-port': socks(
    greets('220 mx.other.test ESMTP Postfix\r\n'),
    3653,
    /'220 mx\.other\.test ESMTP Postfix', a mail server/,
  ),
  'http-at-port': socks(
    answers(page('400 Bad Request', 'what?')),
    3653,
    /it answers in HTTP, not in SOCKS 5|HTTP\/1\.1 400/,
  ),
  'http-smtp': http(
    greets('220 mx.other.test ESMTP Postfix\r\n'),
    3653,
    /'220 mx\.other\.test ESMTP Postfix', a mail server/,
  ),
  'http-ssh': http(greets('SSH-2.0-dropbear\r\n'), 3653, /not HTTP: 'SSH-2\.0-dropbear', an SSH server/),
  'http-407': http(
    answers('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n'),
    3652,
    /407 Proxy Authentication Required; it asks for Negotiate/,
  ),
  'http-302': http(
    answers('HTTP/1.1 302 Found\r\nLocation: http://portal.test/login\r\nContent-Length: 0\r\n\r\n'),
    3654,
    /302 Found; it sends us to http:\/\/portal\.test\/login/,
  ),
  'http-405': http(answers(page('405 Method Not Allowed', '<h1>nginx</h1>')), 3654, /405 Method Not Allowed; nginx/),
  'http-200-page': http(
    answers('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>Please log in</body></html>'),
    3653,
    /a page instead of a connection: 'Please log in'/,
  ),
  'http-cut-header': http(answers('HTTP/1.1 200 OK\r\nVia: x'), 3651, /it closed the connection/),
  'http-2-only': http(answers(Buffer.from('000006040000000000000300000064', 'hex')), 3653, /not HTTP/),
};

let sink: RecordingSink;
let service: TestService;
let mx = 0;
const proxies = new Map<string, ScriptedProxy>();

const good = (kind: Trouble['kind']): Behaviour => (kind === 'socks5' ? goodSocks(sink.port) : goodHttp(sink.port));

const all: Readonly<Record<string, Pick<Trouble, 'kind' | 'does' | 'login'>>> = {
  ...TROUBLES,
  bound4: { kind: 'socks5', does: () => undefined },
  bound6: { kind: 'socks5', does: () => undefined },
  'bound-name': { kind: 'socks5', does: () => undefined },
  hangs: { kind: 'socks5', does: () => undefined },
  stops: { kind: 'socks5', does: () => undefined },
};

before(async () => {
  sink = await startRecordingSink();
  mx = await freePort();
  for (const [name, { does }] of Object.entries(all)) proxies.set(name, await startScriptedProxy(does));
  service = await startService((directory) => yaml(directory));
});
after(async () => {
  await service?.remove();
  for (const proxy of proxies.values()) await proxy.close();
  await sink?.close();
});

function yaml(directory: string): string {
  const names = Object.keys(all);
  const port = (name: string): number => proxies.get(name)?.port ?? 0;
  const lines = (text: (name: string, one: Pick<Trouble, 'kind' | 'login'>) => string): string =>
    Object.entries(all)
      .map(([name, one]) => `${text(name, one)}\n`)
      .join('');
  return `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${mx} } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
delivery: { timeouts: { connect: 2s, greeting: 3s, mail: 3s, dataBlock: 3s, dataEnd: 3s } }
scheduler: { normal: { first: 1s, longest: 5s } }
routing:
  relayDomains: [${names.map((name) => `${name}.test`).join(', ')}]
  proxies:
${lines((name, { kind, login }) => `    ${name}: { kind: ${kind}, host: 127.0.0.1, port: ${port(name)}${login === undefined ? '' : `, ${login}`} }`)}  smartHosts:
${lines((name) => `    ${name}: { hosts: [{ host: 192.0.2.${Object.keys(all).indexOf(name) + 1}, port: 25 }], tls: none, proxy: ${name} }`)}  addressSpaces:
${lines((name) => `    - { match: ${name}.test, via: ${name} }`)}`;
}

const proxyOf = (name: string): ScriptedProxy => {
  const proxy = proxies.get(name);
  assert.ok(proxy !== undefined);
  return proxy;
};

async function submit(recipient: string, octets = 100): Promise<void> {
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  await line.say('EHLO far.test', 250);
  await line.say('MAIL FROM:<a@far.test>', 250);
  await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  line.send(`Subject: to ${recipient}\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(Math.ceil(octets / 78))}`);
  await line.say('.', 250);
  line.close();
}

/** The events about a proxy. */
const eventsOf = (name: string): readonly { readonly event: number; readonly text: string }[] =>
  service.events.filter(({ data }) => data['proxy'] === name);

const told = (number: number, name: string): Promise<string> =>
  until(
    () =>
      `event ${number} of ${name}; seen: ${eventsOf(name)
        .map(({ event, text }) => `${event} ${text}`)
        .join(' | ')}`,
    () => eventsOf(name).find(({ event }) => event === number)?.text,
    30_000,
  );

const partOf = async (name: string): Promise<{ readonly state: string; readonly cause?: string } | undefined> => {
  const { stdout } = await service.ims('--json', 'status');
  const { parts } = JSON.parse(stdout) as { parts: { part: string; state: string; cause?: string }[] };
  return parts.find(({ part }) => part === `proxy ${name}`);
};

for (const [name, { kind, event, words }] of Object.entries(TROUBLES))
  test(`a proxy (${kind}, ${name}) is told by what it does, once, and its mail goes on by itself`, async () => {
    await submit(`u@${name}.test`);
    assert.match(await told(event, name), words);
    assert.match((await partOf(name))?.cause ?? '', words);
    proxyOf(name).behaviour = good(kind);
    await until(
      () => `mail by ${name}; seen: ${service.told()}`,
      () => sink.messages.find(({ to }) => to.includes(`u@${name}.test`)),
      30_000,
    );
    await told(2650, name);
    assert.deepEqual(
      eventsOf(name).map((one) => one.event),
      [event, 2650],
    );
    assert.ok(!sink.messages.some(({ from }) => from === ''));
  });

test('a reply with a bound address of any type opens the connection, also octet by octet', async () => {
  const replies = {
    bound4: socksReply(0),
    bound6: Buffer.from([5, 0, 0, 4, ...Array.from({ length: 18 }, () => 0)]),
    'bound-name': Buffer.from([5, 0, 0, 3, 4, ...Buffer.from('gate'), 0, 25]),
  };
  for (const [name, reply] of Object.entries(replies)) {
    proxyOf(name).behaviour = async (socket, heard) => {
      await socksRequest(socket, heard);
      for (const octet of reply) {
        socket.write(Buffer.from([octet]));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      joinTo(socket, sink.port);
    };
    await submit(`u@${name}.test`);
    await sink.taken(`u@${name}.test`);
    assert.deepEqual(eventsOf(name), []);
  }
});

test('a proxy that stops passing on in the middle of mail data is named, costs one message its time, and goes on by itself', async () => {
  let passing = false;
  proxyOf('hangs').behaviour = async (socket, heard) => {
    await socksRequest(socket, heard);
    socket.write(socksReply(0));
    const far = joinTo(socket, sink.port);
    if (passing) return;
    far.on('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').includes('354 ') || proxyOf('hangs').connections > 1) far.unpipe(socket);
    });
    if (proxyOf('hangs').connections > 1) far.unpipe(socket);
  };
  await submit('first@hangs.test', 2_000_000);
  const text = await told(3886, 'hangs');
  assert.match(text, /nothing came from 192\.0\.2\.\d+ for 3 s, and a new connection to it is not greeted/);
  assert.equal((await partOf('hangs'))?.state, 'degraded');
  const before = proxyOf('hangs').connections;
  for (const n of [1, 2, 3, 4]) await submit(`more-${n}@hangs.test`);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(proxyOf('hangs').connections - before <= 1, 'looks alone, no mail');
  passing = true;
  for (const user of ['first', 'more-1', 'more-2', 'more-3', 'more-4'])
    await until(
      () => `mail of ${user}; seen: ${service.told()}`,
      () => sink.messages.find(({ to }) => to.includes(`${user}@hangs.test`)),
      60_000,
    );
  assert.deepEqual(
    eventsOf('hangs').map((one) => one.event),
    [3886, 2650],
  );
});

test('a proxy that stands still in the middle of mail data is named as silent before more mail waits for it', async () => {
  let still = true;
  proxyOf('stops').behaviour = async (socket, heard) => {
    if (still && proxyOf('stops').connections > 1) return;
    await socksRequest(socket, heard);
    socket.write(socksReply(0));
    const far = joinTo(socket, sink.port);
    far.on('data', (chunk: Buffer) => {
      if (still && chunk.toString('latin1').includes('354 ')) far.unpipe(socket);
    });
  };
  await submit('first@stops.test');
  assert.match(await told(3651, 'stops'), /no answer in 2 s when spoken to in SOCKS 5/);
  const before = proxyOf('stops').connections;
  for (const n of [1, 2, 3]) await submit(`more-${n}@stops.test`);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(proxyOf('stops').connections - before <= 4, 'a look, what it tries in other kinds, and no mail');
  still = false;
  for (const n of [1, 2, 3]) await sink.taken(`more-${n}@stops.test`);
  assert.deepEqual(
    eventsOf('stops').map((one) => one.event),
    [3651, 2650],
  );
});
