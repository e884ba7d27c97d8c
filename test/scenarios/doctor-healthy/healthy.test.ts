import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeKey } from '../../../src/operate/records/new-key.ts';
import { txtStrings } from '../../../src/operate/records/record.ts';
import { needs } from '../../support/needs.ts';
import { addresses } from './addresses.ts';
import type { RunsFound } from './runs.ts';

/** A number for every day; the full thousand with IMS_DOCTOR_RUNS=1000. */
const RUNS = Number(process.env['IMS_DOCTOR_RUNS'] ?? '40');
const RUN_MS = 10_000;
const HOST = `ims-host-${process.pid}`;
const INTERNET = `ims-net-${process.pid}`;
const LOSS_PERCENT = 2;

/** Drops packets as a bad line does, in both directions. */
const LOSS = `table inet line {
  chain into {
    type filter hook input priority 0; policy accept;
    iif lo accept
    numgen random mod 100 < ${LOSS_PERCENT} drop
  }
  chain from {
    type filter hook output priority 0; policy accept;
    oif lo accept
    numgen random mod 100 < ${LOSS_PERCENT} drop
  }
}
`;

function run(command: string, input?: string): string {
  const [program = '', ...words] = command.split(' ');
  const { status, stdout, stderr } = spawnSync(program, words, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

function inNamespace(name: string, script: string, ...words: string[]): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawn('ip', ['netns', 'exec', name, process.execPath, '--enable-source-maps', path, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

function whyNot(): false | string {
  const missing = needs('ip', 'nft');
  if (missing !== false) return missing;
  if (process.getuid?.() !== 0) return 'needs root, to make network namespaces';
  try {
    run(`ip netns add ${HOST}`);
    return false;
  } catch (error) {
    return `network namespaces cannot be made here: ${error instanceof Error ? error.message : ''}`;
  }
}

const skip = whyNot();
let internet: ChildProcess | undefined;
let directory = '';
let keyFile = '';

before(async () => {
  if (skip !== false) return;
  run(`ip netns add ${INTERNET}`);
  const inHost = (words: string): string => run(`ip netns exec ${HOST} ${words}`);
  const outside = (words: string, input?: string): string => run(`ip netns exec ${INTERNET} ${words}`, input);
  run(`ip link add eth0 netns ${HOST} type veth peer name eth0 netns ${INTERNET}`);
  for (const each of [inHost, outside]) {
    each('ip link set lo up');
    each('ip link set eth0 up');
  }
  inHost(`ip address add ${addresses.host}/24 dev eth0`);
  inHost(`ip route add default via ${addresses.router}`);
  outside(`ip address add ${addresses.router}/24 dev eth0`);
  for (const address of [...addresses.nameServers, addresses.exchanger, ...addresses.large])
    outside(`ip address add ${address}/32 dev lo`);
  outside('nft -f -', LOSS);
  const { pem, record } = await makeKey('company.com', 's1', 'rsa');
  directory = await mkdtemp(join(tmpdir(), 'ims-healthy-'));
  keyFile = join(directory, 'key.pem');
  await writeFile(keyFile, pem, { mode: 0o600 });
  internet = inNamespace(INTERNET, 'internet.js', `${record.name} TXT ${txtStrings(record.value)}\n`);
  await new Promise<void>((resolve, reject) => {
    internet?.stdout?.once('data', () => resolve());
    internet?.once('exit', (code) => reject(new Error(`the Internet ended with ${code}`)));
  });
});

after(async () => {
  internet?.removeAllListeners('exit');
  internet?.kill('SIGKILL');
  if (skip !== false) return;
  await rm(directory, { recursive: true, force: true });
  for (const name of [HOST, INTERNET]) run(`ip netns del ${name}`);
});

test(`a healthy host raises no alarm in ${RUNS} runs, with ${LOSS_PERCENT} % of packets lost and slow name servers`, {
  skip,
}, async () => {
  const child = inNamespace(HOST, 'runs.js', keyFile, String(RUNS));
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  assert.equal(code, 0, text);
  const found = JSON.parse(text) as RunsFound;
  assert.equal(found.runs, RUNS);
  assert.deepEqual(found.unhealthy, {});
  assert.deepEqual(found.broken, {});
  assert.deepEqual(found.told, []);
  assert.ok(found.longestMs < RUN_MS, `a run took ${found.longestMs} ms`);
  // What most runs could not see was not looked at: then this proves nothing.
  for (const id of [
    'names.servers-answer',
    'names.domains',
    'listeners.answer',
    'names.server-name',
    'ways.smart-hosts',
    'ways.port-25',
    'queue.growth',
    'records.dkim',
    'storage.records',
  ])
    assert.ok((found.healthy[id] ?? 0) > RUNS / 2, `${id}: ${JSON.stringify(found.unknown)}`);
});
