import { SimInternet } from '../../src/world/sim/network.ts';
import { SimMachine } from '../../src/world/sim/machine.ts';
import { SeededRandom } from '../../src/world/sim/random.ts';
import { SimTime } from '../../src/world/sim/time.ts';
import type { QueueCounts } from '../../src/flow/queue/port.ts';
import { type ClientParts, submit } from './client.ts';
import { findViolations } from './invariants.ts';
import { drawFaults, endFaults, type FaultParts } from './faults.ts';
import { Ledger } from './ledger.ts';
import { startNameServer } from './name-server.ts';
import { makeService, simSettings } from './service.ts';
import { drawMessage, nameServerAddress, startHosts, zone } from './world-outside.ts';

const SERVICE = '192.0.2.1';
const WORKERS = 2;
const CONNECTIONS_MAX = 4;
const MINUTE = 60_000;
const FAULTS_MS = 3 * MINUTE;
/** Expiry, and an hour that the wall clock must hold after a jump, and room. */
const PATIENCE_MS = 6 * 60 * MINUTE;
const EPOCH_MS = 1_790_000_000_000;

const curve = '{ first: 20s, factor: 2, longest: 5m, expiry: 25m, delayNotice: 6m }';
const settings = simSettings(`server: { name: mail.example.test, data: /srv/data, workers: ${WORKERS} }
listeners:
  mx: { profile: mx, address: ${SERVICE}, port: 25, tls: none }
domains:
  example.test:
    mailboxes: { alice: {}, bob: {}, carol: {} }
    aliases: { postmaster: alice }
policy: { localNetworks: [203.0.113.0/24] }
routing: { connectionsMax: ${CONNECTIONS_MAX}, ipVersions: '4' }
delivery: { timeouts: { connect: 10s, greeting: 1m, mail: 1m, recipient: 1m, dataStart: 1m, dataBlock: 1m, dataEnd: 2m } }
scheduler: { urgent: ${curve}, normal: ${curve}, bulk: ${curve}, breaker: { rest: 20s, longest: 3m } }
queue: { spaceFloor: 1MB, spaceResume: 2MB }
names: { servers: ['${nameServerAddress}'] }
events: { format: json }
`);

/** What came of one seed. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Everything that processes and the simulation said, in order. */
  readonly journal: readonly string[];
  readonly moments: number;
  readonly simulatedMs: number;
  readonly acknowledged: number;
  readonly accepted: number;
  readonly finals: number;
}

/** What a run may be made to suffer besides. */
export interface RunOptions {
  /** Syncs say that they succeeded and do nothing: acknowledged mail must then be lost in some runs, or the simulation is blind. */
  readonly lyingSyncs?: boolean;
}

/** Runs one seed. The same seed has the same outcome, journal and all. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const random = new SeededRandom(seed);
  const time = new SimTime();
  const internet = new SimInternet(time, random.fork());
  const machine = new SimMachine({ time, random: random.fork(), internet, address: SERVICE, epochMs: EPOCH_MS });
  const journal: string[] = [];
  const say = (text: string): void => void journal.push(`${time.now.toFixed(3)} ${text}`);
  const ledger = new Ledger(say);
  if (options.lyingSyncs === true) machine.disk.faults.lyingSyncs = true;
  const nameServer = await startNameServer(internet, nameServerAddress, zone);
  let faulty = true;
  const hosts = startHosts({
    time,
    internet,
    random: random.fork(),
    ledger,
    connectionsMax: CONNECTIONS_MAX,
    mayMisbehave: () => faulty,
    active: new Map(),
    sessions: new Set(),
    greylisted: new Map(),
  });
  await machine.disk.makeDirectory('/srv/data');
  await machine.disk.makeDirectory('/srv/data/run');
  const service = makeService({
    time,
    machine,
    settings,
    workers: WORKERS,
    ledger,
    nameServer: nameServerAddress,
    line: say,
  });
  service.start();
  const faultParts: FaultParts = { time, random: random.fork(), internet, machine, service, nameServer, hosts, say };
  const sessionTimes = Array.from({ length: 5 + faultParts.random.integer(16) }, () =>
    faultParts.random.between(500, FAULTS_MS - 20_000),
  );
  drawFaults(faultParts, sessionTimes, FAULTS_MS);
  const clients = drawClients({ time, internet, random: random.fork(), ledger }, sessionTimes);
  time.in(FAULTS_MS, () => {
    faulty = false;
    endFaults(faultParts);
  });
  let calm = false;
  const look = async (): Promise<void> => {
    service.start(); // as whoever started it first would
    const counts = (await service.askAll('queue.counts', {})) as readonly (QueueCounts | undefined)[] | undefined;
    const empty = counts?.length === WORKERS && counts.every((one) => one?.messages === 0);
    // What crashes have put aside is let go, as a person would once they are over.
    if (!faulty && counts?.some((one) => (one?.quarantined ?? 0) > 0) === true)
      void service.askAll('queue.release', { filter: {} });
    if (empty && !faulty && clients.over()) calm = true;
    else time.in(faulty ? 5_000 : 30_000, () => void look());
  };
  time.in(5_000, () => void look());
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await time.run(turn, () => calm || time.now > PATIENCE_MS);
  const left = calm
    ? []
    : [
        `the queue is not empty after ${Math.round(time.now / MINUTE)} minutes: ${JSON.stringify(await leftIn(service))}`,
      ];
  const violations = [...left, ...ledger.violations, ...(await findViolations(ledger, machine.disk))];
  return {
    seed,
    violations,
    journal,
    moments: time.count,
    simulatedMs: time.now,
    acknowledged: ledger.submissions.filter(({ state }) => state === 'acknowledged').length,
    accepted: ledger.acceptances.length,
    finals: ledger.finals.length,
  };
}

function leftIn(service: ReturnType<typeof makeService>): Promise<unknown> {
  // The answer needs no time to pass: both sides are in memory.
  return Promise.race([
    service.askAll('queue.counts', {}),
    new Promise((resolve) => setImmediate(() => resolve('no answer'))),
  ]);
}

function drawClients(
  parts: Omit<ClientParts, 'address' | 'server'>,
  sessionTimes: readonly number[],
): { over(): boolean } {
  const { time, internet, random } = parts;
  let messages = 0;
  let running = 0;
  for (const [session, atMs] of sessionTimes.entries()) {
    const drafts = Array.from({ length: 1 + random.integer(4) }, () => {
      messages += 1;
      return drawMessage(random, messages);
    });
    const client = { ...parts, address: `203.0.113.${1 + session}`, server: { address: SERVICE, port: 25 } };
    internet.addHost(client.address);
    running += 1;
    time.in(atMs, () => {
      void submit(client, drafts).then(() => {
        running -= 1;
      });
    });
  }
  return { over: () => running === 0 };
}
