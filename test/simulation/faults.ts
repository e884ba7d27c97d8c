import { goodNetwork, type SimInternet } from '../../src/world/sim/network.ts';
import type { SimMachine } from '../../src/world/sim/machine.ts';
import type { SeededRandom } from '../../src/world/sim/random.ts';
import type { SimTime } from '../../src/world/sim/time.ts';
import type { SimNameServer } from './name-server.ts';
import type { SimService } from './service.ts';
import { cutSomewhere } from './world-outside.ts';

/** What faults strike. */
export interface FaultParts {
  readonly time: SimTime;
  readonly random: SeededRandom;
  readonly internet: SimInternet;
  readonly machine: SimMachine;
  readonly service: SimService;
  readonly nameServer: SimNameServer;
  readonly hosts: readonly string[];
  readonly say: (text: string) => void;
}

type Fault = (parts: FaultParts) => string | undefined;

const SERVICE_RESTART_MS = [200, 4_000] as const;

function killChild(parts: FaultParts, signal: 'SIGKILL' | 'SIGABRT'): string | undefined {
  const { service, random } = parts;
  const [first, ...more] = service.children;
  if (first === undefined) return undefined;
  const child = random.pick([first, ...more]);
  child.kill(signal);
  return `${signal} for ${child.role} ${child.pid}`;
}

function startAgain({ service, machine, random, time }: FaultParts): void {
  const [from, to] = SERVICE_RESTART_MS;
  time.in(random.between(from, to), () => {
    machine.powerOn();
    service.start();
  });
}

/** Sets something on the disk for a while. */
function diskFault(
  parts: FaultParts,
  what: string,
  change: (faults: SimMachine['disk']['faults']) => void,
  ms: number,
): string {
  const { machine, time } = parts;
  change(machine.disk.faults);
  time.in(ms, () => mendDisk(machine));
  return `${what} for ${Math.round(ms)} ms`;
}

function mendDisk({ disk }: SimMachine): void {
  Object.assign(disk.faults, { shortWrites: 0, failingWrites: 0, failingSyncs: 0, capacityBytes: 1024 ** 4 });
}

const faults: readonly [Fault, ...Fault[]] = [
  (parts) => killChild(parts, 'SIGKILL'),
  (parts) => killChild(parts, 'SIGKILL'),
  (parts) => killChild(parts, 'SIGABRT'),
  (parts) => {
    parts.service.supervisor?.end('ended');
    startAgain(parts);
    return 'SIGKILL for the supervisor';
  },
  (parts) => {
    parts.service.stop();
    return 'SIGTERM for the supervisor';
  },
  (parts) => {
    if (!parts.machine.powered) return undefined;
    parts.machine.crash();
    startAgain(parts);
    return 'the power fails';
  },
  (parts) => {
    const ms = parts.random.pick([
      -7_200_000,
      -400_000,
      -60_000,
      -1_000,
      1_000,
      60_000,
      200_000,
      400_000,
      7_200_000,
      300 * 86_400_000,
    ]);
    parts.machine.jump(ms);
    return `the wall clock jumps by ${ms} ms`;
  },
  (parts) => cutSomewhere(parts.random, parts.internet, parts.machine.address, parts.hosts),
  (parts) => cutSomewhere(parts.random, parts.internet, parts.machine.address, parts.hosts),
  (parts) => {
    const kind = parts.random.pick(['SERVFAIL', 'REFUSED', 'SILENT'] as const);
    parts.nameServer.failing = kind;
    const ms = parts.random.between(1_000, 60_000);
    parts.time.in(ms, () => {
      parts.nameServer.failing = undefined;
    });
    return `the name server says ${kind} for ${Math.round(ms)} ms`;
  },
  (parts) =>
    diskFault(parts, 'some syncs fail', (disk) => (disk.failingSyncs = 0.2), parts.random.between(100, 20_000)),
  (parts) =>
    diskFault(parts, 'some writes fail', (disk) => (disk.failingWrites = 0.1), parts.random.between(100, 20_000)),
  (parts) =>
    diskFault(parts, 'writes are short', (disk) => (disk.shortWrites = 0.3), parts.random.between(100, 60_000)),
  (parts) => {
    const { disk } = parts.machine;
    const room = parts.random.integer(200_000);
    return diskFault(
      parts,
      `${room} octets are free`,
      (one) => (one.capacityBytes = disk.usedBytes + room),
      parts.random.between(1_000, 30_000),
    );
  },
];

/** Draws what goes wrong until `endMs`: on some seeds nothing, on some a lot. */
export function drawFaults(parts: FaultParts, sessionTimes: readonly number[], endMs: number): void {
  const { time, random, internet, say } = parts;
  const intensity = random.fraction();
  internet.faults = {
    breaks: 0.25 * intensity * random.fraction(),
    refused: 0.1 * intensity * random.fraction(),
    lost: 0.2 * intensity * random.fraction(),
  };
  const count = Math.floor(intensity * 14);
  for (let i = 0; i < count; i += 1) {
    const fault = random.pick(faults);
    // Where nothing is under way a fault finds little to break: most come shortly after a client.
    const [first = 0, ...more] = sessionTimes;
    const atMs = random.chance(0.7)
      ? random.pick([first, ...more]) + random.between(0, random.pick([400, 1_500, 8_000]))
      : random.between(0, endMs - 10_000);
    time.in(atMs, () => {
      const what = fault(parts);
      if (what !== undefined) say(`# ${what}`);
    });
  }
}

/** From here on everything works. */
export function endFaults({ internet, machine, nameServer, say }: FaultParts): void {
  internet.faults = goodNetwork;
  nameServer.failing = undefined;
  mendDisk(machine);
  machine.powerOn();
  say('# no more faults');
}
