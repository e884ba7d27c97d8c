/** Each way in, against each place that looks at a client's address: all of them see the client, none of them the front host. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { writeV1, writeV2 } from '../../../src/protocol/proxy/header-writer.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { HeardLine } from '../../support/heard-line.ts';
import { mailWith } from '../../support/mailboxes.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const FRONT = '127.0.0.1';
/** Strangers: one that SPF lets send, one that it does not, one on a block list, one in a blocked network. */
const HONEST = '198.51.100.7';
const FORGER = '203.0.113.9';
const LISTED = '198.51.100.66';
const BLOCKED = '198.51.100.200';
const OURS = '192.0.2.210';
const HONEST6 = '2001:db8:7::7';

let dns: TestDnsServer;
let service: TestService;
let ports: { proxy: number; filter: number; direct: number };
/** An address of this host that is not of loopback, for a client without any front host. */
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

const ZONE = `far.test TXT "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:7::/48 ${own === undefined ? '' : `ip4:${own}`} -all"
66.100.51.198.list.test A 127.0.0.2
66.100.51.198.list.test TXT "seen sending spam"
`;

const YAML = (directory: string): string => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  proxy: { profile: mx, address: ${FRONT}, port: ${ports.proxy}, proxyProtocol: { trusted: [${FRONT}] } }
  filter: { profile: mx, address: ${FRONT}, port: ${ports.filter}, xclient: [${FRONT}] }
  direct: { profile: mx, address: 0.0.0.0, port: ${ports.direct} }
names: { servers: ['${dns.server}'] }
policy:
  # The front host is of our networks, and of a blocked one: neither may count for those behind it.
  localNetworks: [${FRONT}, ${OURS}]
  blockedNetworks: [127.0.0.0/24, ${BLOCKED}]
  spf: { mode: refuse, receivedSpf: true }
  dnsbl: [{ zone: list.test }]
reception: { connectionsPerAddressMax: 2 }
events: { levels: { policy: maximum } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
`;

before(async () => {
  dns = await startDnsServer(ZONE);
  ports = { proxy: await freePort(), filter: await freePort(), direct: await freePort() };
  service = await startService(YAML);
});
after(async () => {
  await service?.remove();
  await dns?.close();
});

/** A dialogue that waits for each answer. */
class Line extends HeardLine {
  /** The answer to a line; with '' that of the connection. */
  async say(line: string): Promise<string> {
    this.heard = '';
    if (line !== '') this.write(`${line}\r\n`);
    await until(
      () => `no answer to '${line}', heard '${this.heard}'`,
      () => this.closed || /^\d{3} .*\r\n$/m.test(this.heard),
      12_000,
    );
    return this.heard;
  }
}

/** How a client comes in. The answer is the line and its first reply, after which the client greets. */
interface Way {
  readonly name: string;
  readonly clients: readonly string[];
  open(client: string): Promise<{ readonly line: Line; readonly first: string }>;
}

const dial = (port: number, host = FRONT): Line => new Line(net.connect({ host, port, localAddress: host }));
const headed = (
  client: string,
): { source: { address: string; port: number }; destination: { address: string; port: number } } => ({
  source: { address: client, port: 4711 },
  destination: { address: client.includes(':') ? '2001:db8::25' : '192.0.2.25', port: 25 },
});

const WAYS: readonly Way[] = [
  {
    name: 'PROXY header, version 1',
    clients: [HONEST, HONEST6],
    async open(client) {
      const line = dial(ports.proxy);
      line.write(writeV1(headed(client)));
      return { line, first: await line.say('') };
    },
  },
  {
    name: 'PROXY header, version 2',
    clients: [HONEST, HONEST6],
    async open(client) {
      const line = dial(ports.proxy);
      line.write(writeV2(headed(client), [], true));
      return { line, first: await line.say('') };
    },
  },
  {
    name: 'XCLIENT',
    clients: [HONEST, HONEST6],
    async open(client) {
      const line = dial(ports.filter);
      assert.match(await line.say(''), /^220/, 'the front host itself is never refused');
      await line.say('EHLO filter.test');
      return { line, first: await line.say(`XCLIENT ADDR=${client.includes(':') ? 'IPV6:' : ''}${client} PORT=4711`) };
    },
  },
];

async function recipientReply(line: Line, to: string, greet = true, from = 'a@far.test'): Promise<string> {
  if (greet) await line.say('EHLO client.far.test');
  await line.say(`MAIL FROM:<${from}>`);
  return line.say(`RCPT TO:<${to}>`);
}

let count = 0;

/** Sends a message to alice, and returns it as she gets it. */
async function send(line: Line, greet = true, from?: string): Promise<string> {
  count += 1;
  const subject = `message ${count} of ${process.pid}`;
  assert.match(await recipientReply(line, 'alice@example.test', greet, from), /^250/);
  assert.match(await line.say('DATA'), /^354/);
  assert.match(await line.say(`Subject: ${subject}\r\n\r\nx\r\n.`), /^250/);
  line.end();
  return mailWith(service, 'alice', new RegExp(`^Subject: ${subject}\\r?$`, 'm'));
}

const escaped = (text: string): string => text.replace(/[.[\]]/g, '\\$&');
const literal = (address: string): string => (address.includes(':') ? `[IPv6:${address}]` : `[${address}]`);

for (const way of WAYS) {
  test(`${way.name}: Received, Authentication-Results, Received-SPF and the trace show the client`, async () => {
    for (const client of way.clients) {
      const { line, first } = await way.open(client);
      assert.match(first, /^220/);
      const mail = await send(line);
      assert.match(mail, new RegExp(`Received: from client\\.far\\.test \\(${escaped(literal(client))}\\)`));
      const record = client === HONEST ? 'ip4:198.51.100.0/24' : 'ip6:2001:db8:7::/48';
      assert.match(
        mail,
        new RegExp(`spf=pass \\(${escaped(client)}: ${record}\\)\\r?\\n\\t smtp\\.mailfrom=a@far\\.test`),
      );
      assert.match(mail, new RegExp(`client-ip="?${escaped(client)}"?`));
      const { stdout } = await service.ims('trace', 'a@far.test', '--most', '1');
      assert.match(
        stdout,
        new RegExp(`from ${escaped(client)} by ESMTP[\\s\\S]*SPF pass for a@far\\.test \\(${record}\\)`),
      );
    }
  });

  test(`${way.name}: SPF, block lists, networks and relaying judge the client, and never the front host`, async () => {
    const says = async (client: string, to: string): Promise<string> => {
      const { line, first } = await way.open(client);
      const reply = first.startsWith('220') ? await recipientReply(line, to) : first;
      line.end();
      return reply;
    };
    assert.match(
      await says(FORGER, 'alice@example.test'),
      /^550[ -]5\.7\.23 SPF: 203\.0\.113\.9 may not send mail of far\.test/,
    );
    assert.match(
      await says(LISTED, 'alice@example.test'),
      /^550 5\.7\.1 198\.51\.100\.66 is on the block list list\.test: seen/,
    );
    assert.match(await says(LISTED, 'postmaster@example.test'), /^250/);
    assert.match(await says(BLOCKED, 'alice@example.test'), /^554/);
    assert.match(
      await says(HONEST, 'somebody@elsewhere.test'),
      /^550 5\.7\.1 relaying denied/,
      'the front host is ours, its client not',
    );
    assert.match(await says(OURS, 'somebody@elsewhere.test'), /^250/, 'a client of our networks is ours');
  });

  test(`${way.name}: sessions are counted by client, and the front host is never one of too many`, async () => {
    const client = '198.51.100.31';
    const open = [await way.open(client), await way.open(client)];
    const third = await way.open(client);
    assert.match(third.first, /^421 4\.7\.0/);
    const other = await way.open('198.51.100.32');
    assert.match(other.first, /^220/);
    for (const { line } of [...open, third, other]) line.end();
  });

  test(`${way.name}: events name the client`, async () => {
    for (const [number, client] of [
      [2250, BLOCKED],
      [2253, FORGER],
      [2254, LISTED],
      [3200, '198.51.100.31'],
    ] as const) {
      const { data } = await service.seen(number);
      assert.ok([data['client'], data['scope']].includes(client), `${number} ${JSON.stringify(data)}`);
    }
  });
}

test('nobody asks about the front host, a host of our networks, or a private address', () => {
  const asked = dns.asked.join('\n');
  assert.match(asked, /udp 7\.100\.51\.198\.list\.test A/);
  assert.match(asked, /udp (?:[0-9a-f]\.){32}list\.test A/, 'IPv6 too');
  assert.doesNotMatch(asked, / (?:210\.2\.0\.192|\d+\.\d+\.\d+\.10|\d+\.\d+\.16\.172)\.list\.test/);
  // Of 127.0.0.1 it is asked only whether the list lists everybody.
  assert.ok(dns.asked.filter((one) => one.includes(' 1.0.0.127.list.test ')).length <= 2);
});

test('directly, the client is the other end of the connection; one of a private network is judged by SPF alone', {
  skip: own === undefined ? 'this host has no address but loopback' : false,
}, async () => {
  const before = dns.asked.length;
  const line = dial(ports.direct, own);
  assert.match(await line.say(''), /^220/);
  const mail = await send(line);
  assert.match(mail, new RegExp(`Received: from client\\.far\\.test \\(${escaped(literal(own ?? ''))}\\)`));
  assert.match(mail, new RegExp(`spf=pass \\(${escaped(own ?? '')}`));
  if (/^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./.test(own ?? ''))
    assert.deepEqual(
      dns.asked.slice(before).filter((one) => one.includes('list.test')),
      [],
    );
});

test('what XFORWARD tells stands in the trace, and changes no decision', async () => {
  const line = dial(ports.filter);
  await line.say('');
  await line.say('EHLO filter.test');
  assert.match(await line.say(`XFORWARD NAME=mx.far.test ADDR=${LISTED} PORT=4711 PROTO=ESMTP`), /^250/);
  assert.match(await line.say('XFORWARD HELO=far.test IDENT=4F2A99 SOURCE=REMOTE'), /^250/);
  const mail = await send(line, false);
  assert.match(mail, /Received: from filter\.test \(\[127\.0\.0\.1\]\)/, 'the hop as it was');
  assert.doesNotMatch(mail, /Authentication-Results/);
  const { stdout } = await service.ims('trace', 'a@far.test', '--most', '1');
  assert.match(stdout, /for mx\.far\.test \[198\.51\.100\.66\]:4711 by ESMTP as far\.test, there 4F2A99, remote there/);
});

test('`ims explain` says what SPF and the lists would make of a client, and leaves no event', async () => {
  const seen = service.events.length;
  const forged = await service.ims('explain', FORGER, '--from', 'a@far.test', '--to', 'alice@example.test');
  assert.match(forged.stdout, /SPF fail for a@far\.test \(-all\)\.\nRCPT is answered: 550 5\.7\.23 /);
  const listed = await service.ims('explain', LISTED, '--from', 'a@far.test', '--to', 'alice@example.test');
  assert.match(listed.stdout, /on the block list list\.test: 127\.0\.0\.2 \(seen sending spam\)\.\n/);
  assert.match(listed.stdout, /SPF pass for a@far\.test[\s\S]*RCPT is answered: 550 5\.7\.1 /);
  assert.deepEqual(
    service.events.slice(seen).filter(({ event }) => event === 2253 || event === 2254),
    [],
  );
});

test('what EHLO names is what is honoured, no more and no less', async () => {
  const line = dial(ports.filter);
  await line.say('');
  const offered = await line.say('EHLO filter.test');
  const values: Readonly<Record<string, string>> = {
    NAME: 'a.test',
    ADDR: HONEST,
    PORT: '4711',
    PROTO: 'ESMTP',
    HELO: 'a.test',
    LOGIN: 'alice',
    DESTADDR: '192.0.2.25',
    DESTPORT: '25',
    REVERSE_NAME: 'a.test',
    IDENT: '4F2A',
    SOURCE: 'LOCAL',
  };
  for (const verb of ['XFORWARD', 'XCLIENT']) {
    const names = new RegExp(`^250[ -]${verb} (.*)\\r$`, 'm').exec(offered)?.[1]?.split(' ') ?? [];
    assert.ok(names.length > 5, offered);
    for (const [name, value] of Object.entries(values)) {
      const again = dial(ports.filter);
      await again.say('');
      await again.say('EHLO filter.test');
      const code = names.includes(name) ? (verb === 'XCLIENT' ? '220' : '250') : '501';
      assert.ok((await again.say(`${verb} ${name}=${value}`)).startsWith(code), `${verb} ${name}`);
      again.end();
    }
  }
  line.end();
});

test('a name service that is silent costs no mail', async () => {
  dns.fail('SILENT');
  try {
    const line = dial(ports.proxy);
    line.write(writeV1(headed('198.51.100.77')));
    await line.say('');
    const mail = await send(line, true, 'a@silent.test');
    assert.match(mail, /spf=temperror \(198\.51\.100\.77: [^)]*\)/);
  } finally {
    dns.fail(undefined);
  }
});
