/**
 * What a gateway (SSH) costs beside direct connections: rates of the two in turn, then the memory of idle sessions. It needs root and sshd.
 * node dist/bench/gateway/gateway.js [--rounds 5] [--sessions 10] [--loads 1048576x200,4096x4000] [--idle 2000] [--settle 5] [--workers N] [--pipelining]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildScene, needsScene } from '../../test/scenarios/gateway/scene.ts';
import { startDnsServer } from '../../test/support/dns-server.ts';
import { SmtpLine } from '../../test/support/ledger-client.ts';
import { family } from '../../test/support/processes.ts';
import { startService, type TestService } from '../../test/support/service.ts';

/** How a client connects, and the port of loopback for it. */
const WAYS = { direct: 2525, gateway: 25 } as const;
type Way = keyof typeof WAYS;
const GATEWAY_WORKS = 2660;
/** Ticks of /proc/PID/stat in a second. */
const TICKS = 100;
/** Sessions that are opened at a time. */
const BATCH = 50;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const DIALOGUE = [
  ['MAIL FROM:<bob@client.test>', 250],
  ['RCPT TO:<alice@held.test>', 250],
  ['DATA', 354],
] as const;
/** Messages before anything is measured. */
const WARM = 200;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    sessions: { type: 'string', default: '10' },
    loads: { type: 'string', default: '1048576x200,4096x4000' },
    idle: { type: 'string', default: '2000' },
    settle: { type: 'string', default: '5' },
    workers: { type: 'string' },
    /** Commands in groups (RFC 2920), as mail servers send them. */
    pipelining: { type: 'boolean', default: false },
    /** Given by this program to itself, inside the namespace: login of the gateway. */
    login: { type: 'string' },
  },
});
const [rounds, sessions, idle] = [values.rounds, values.sessions, values.idle].map(Number) as [number, number, number];
const settleMs = Number(values.settle) * 1000;

if (values.login === undefined) await outside();
else await inside(values.login);

/** Builds the namespace, starts sshd there, and runs this program again beside it. */
async function outside(): Promise<void> {
  const missing = needsScene();
  if (missing !== false) throw new Error(missing);
  const scene = await buildScene();
  try {
    await scene.startGateway();
    const login = `user: ${scene.user}, keyFile: ${scene.keyFile}, hostKey: '${scene.hostKey}'`;
    const [program = '', ...words] = [...scene.within.gateway, process.execPath, fileURLToPath(import.meta.url)];
    const child = spawn(program, [...words, ...process.argv.slice(2), '--login', login], { stdio: 'inherit' });
    // What was begun is taken down also where it is broken off.
    for (const signal of SIGNALS) process.on(signal, () => void child.kill());
    const [code] = (await once(child, 'exit')) as [number | null];
    process.exitCode = code ?? 1;
  } finally {
    await scene.remove();
  }
}

/** One service with both ways in; its mail waits in the queue, so that nothing but its acceptance is measured. */
async function inside(login: string): Promise<void> {
  const dns = await startDnsServer('client.test MX 10 mx.client.test\nmx.client.test A 192.0.2.1');
  const workers = values.workers === undefined ? '' : `, workers: ${values.workers}`;
  const service = await startService(
    (directory) => `server: { name: mail.bench.test, data: ${directory}/data${workers} }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${WAYS.direct}, tls: none } }
reception: { connectionsPerAddressMax: 20000, connectionsMax: 20000 }
domains: { bench.test: { mailboxes: { postmaster: {} } } }
names: { servers: ['${dns.server}'] }
gateways: { out: { host: 127.0.0.1, ${login}, connectionsMax: 20000, listen: [{ port: ${WAYS.gateway}, listener: mx }] } }
routing: { relayDomains: [held.test], addressSpaces: [{ match: held.test, via: hold }] }
`,
  );
  for (const signal of SIGNALS) process.once(signal, () => void service.remove().finally(() => process.exit(1)));
  try {
    await service.seen(GATEWAY_WORKS);
    for (const load of values.loads.split(',').filter((text) => text !== '')) await compareRates(service, load);
    if (idle > 0) await compareMemory(service);
  } finally {
    await service.remove();
    await dns.close();
  }
}

interface Round {
  readonly perSecond: number;
  readonly ims: number;
  readonly sshd: number;
  readonly client: number;
}

/** Rounds of a load, `octets x messages`, by the two ways in turn; each second pair in the other order. */
async function compareRates(service: TestService, load: string): Promise<void> {
  const [octets = 0, messages = 0] = load.split('x').map(Number);
  const seen: Record<Way, Round[]> = { direct: [], gateway: [] };
  for (const way of ['direct', 'gateway'] as const) await round(service, way, octets, Math.min(messages, WARM));
  for (let count = 0; count < rounds; count += 1)
    for (const way of count % 2 === 0 ? (['direct', 'gateway'] as const) : (['gateway', 'direct'] as const))
      seen[way].push(await round(service, way, octets, messages));
  console.log(`${octets} octets, ${messages} messages a round, ${sessions} sessions, ${rounds} rounds each:`);
  for (const way of ['direct', 'gateway'] as const) {
    const of = (what: keyof Round): number => median(seen[way].map((one) => one[what]));
    const rates = seen[way].map(({ perSecond }) => perSecond);
    console.log(
      `  ${way.padEnd(7)} ${((of('perSecond') * octets) / 1e6).toFixed(1)} MB/s, ${of('perSecond').toFixed(0)} messages/s ` +
        `(${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}); ` +
        `CPU s of a round: ims ${of('ims').toFixed(2)}, sshd ${of('sshd').toFixed(2)}, client ${of('client').toFixed(2)}`,
    );
  }
  const rate = (way: Way): number => median(seen[way].map(({ perSecond }) => perSecond));
  console.log(`  gateway / direct: ${(rate('gateway') / rate('direct')).toFixed(2)}`);
}

async function round(service: TestService, way: Way, octets: number, messages: number): Promise<Round> {
  const lines = await opened(way, sessions);
  const body = `${'x'.repeat(70)}\r\n`.repeat(Math.ceil(octets / 72)).slice(0, octets - 2);
  const text = Buffer.from(`From: <bob@client.test>\r\nSubject: bench\r\n\r\n${body}\r\n.\r\n`, 'latin1');
  const pids = { ims: await family(service.pid), sshd: await shellServers() };
  const before = { ims: await cpuOf(pids.ims), sshd: await cpuOf(pids.sshd), client: process.cpuUsage() };
  const start = performance.now();
  let left = messages;
  await Promise.all(
    lines.map(async (line) => {
      while (left > 0) {
        left -= 1;
        if (values.pipelining) line.send(`${DIALOGUE.map(([command]) => command).join('\r\n')}\r\n`);
        for (const [command, code] of DIALOGUE) await (values.pipelining ? line.expect(code) : line.say(command, code));
        line.write(text);
        await line.expect(250);
      }
    }),
  );
  const perSecond = messages / ((performance.now() - start) / 1000);
  const client = process.cpuUsage(before.client);
  const ims = (await cpuOf(pids.ims)) - before.ims;
  const sshd = (await cpuOf(pids.sshd)) - before.sshd;
  for (const line of lines) line.close();
  await pause(200);
  return { perSecond, ims, sshd, client: (client.user + client.system) / 1e6 };
}

/** Idle sessions after EHLO, each way in a service that was just started and warmed. */
async function compareMemory(service: TestService): Promise<void> {
  console.log(`${idle} idle sessions after EHLO, PSS a session (1 KB = 1024 octets):`);
  for (const way of ['direct', 'gateway'] as const) {
    await service.stop();
    await service.restart();
    await service.seen(GATEWAY_WORKS);
    await round(service, way, 4096, WARM);
    await pause(settleMs);
    const before = await memories(service);
    const lines = await opened(way, idle);
    await pause(settleMs);
    const after = await memories(service);
    // Whoever was cut off meanwhile would make it look cheap.
    for (const line of lines) await line.say('NOOP', 250);
    for (const line of lines) line.close();
    const each = (what: 'ims' | 'sshd'): string => ((after[what] - before[what]) / idle / 1024).toFixed(1);
    console.log(
      `  ${way.padEnd(7)} ims ${each('ims')} KB (${mib(before.ims)} to ${mib(after.ims)} MiB in all), sshd ${each('sshd')} KB`,
    );
  }
}

async function opened(way: Way, count: number): Promise<SmtpLine[]> {
  const lines: SmtpLine[] = [];
  while (lines.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - lines.length) }, async () => {
      const line = await SmtpLine.open(WAYS[way]);
      await line.expect(220);
      await line.say('EHLO client.test', 250);
      return line;
    });
    lines.push(...(await Promise.all(batch)));
  }
  return lines;
}

async function memories(service: TestService): Promise<{ readonly ims: number; readonly sshd: number }> {
  return { ims: await pssOf(await family(service.pid)), sshd: await pssOf(await shellServers()) };
}

/** The processes of sshd in our network namespace. */
async function shellServers(): Promise<number[]> {
  const ours = await readlink('/proc/self/ns/net');
  const out: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/comm`, 'latin1').catch(() => '');
    if (!command.startsWith('sshd')) continue;
    if ((await readlink(`/proc/${name}/ns/net`).catch(() => '')) === ours) out.push(Number(name));
  }
  return out;
}

/** CPU seconds of the processes, each with those of its children that have ended. */
async function cpuOf(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks / TICKS;
}

async function pssOf(pids: readonly number[]): Promise<number> {
  let total = 0;
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
    total += Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
  }
  return total;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function mib(octets: number): string {
  return (octets / 1024 ** 2).toFixed(0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
