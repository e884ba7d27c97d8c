import type { World } from '../world.ts';
import { SimDisk } from './disk.ts';
import { posix, type SimInternet, type SimSocket } from './network.ts';
import { processClock, SimProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { SimTime } from './time.ts';

/** What a machine is made of. */
export interface MachineParts {
  readonly time: SimTime;
  readonly random: SeededRandom;
  readonly internet: SimInternet;
  readonly address: string;
  /** What its wall clock shows at the beginning of simulated time. */
  readonly epochMs: number;
}

/** How long an operation of the disk takes: mostly nothing, sometimes a rotation, rarely a stall. */
const DISK_MS = { cached: 0.05, rotation: 8, stall: 400 } as const;

/** A host that is simulated whole: processes, disk, a wall clock that may jump, power that may fail. */
export class SimMachine {
  readonly address: string;
  powered = true;
  readonly #parts: MachineParts;
  #wallOffset: number;
  #disk: SimDisk;
  #views: SimDisk[] = [];
  #pid = 100;
  readonly processes = new Set<SimProcess>();

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.address = parts.address;
    this.#wallOffset = parts.epochMs;
    this.#disk = new SimDisk({ random: parts.random.fork() });
    parts.internet.addHost(parts.address);
  }

  /** What is stored now, with its faults; for setting up and for looking, not for processes. */
  get disk(): SimDisk {
    return this.#disk;
  }

  wall(): number {
    return Math.floor(this.#parts.time.now + this.#wallOffset);
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  /** Makes a process and the world as it sees it. */
  begin(name: string): { readonly process: SimProcess; readonly world: World } {
    const { time, random, internet } = this.#parts;
    this.#pid += 1;
    const process = new SimProcess(this.#pid, name, this);
    this.processes.add(process);
    process.onEnd(() => this.processes.delete(process));
    const own = random.fork();
    const later = (fn: () => void): void => {
      const luck = own.fraction();
      const ms = luck < 0.9 ? DISK_MS.cached : luck < 0.999 ? DISK_MS.rotation : DISK_MS.stall;
      time.in(own.fraction() * ms, () => {
        if (process.alive) fn();
      });
    };
    const disk = this.#disk.view(later);
    this.#views.push(disk);
    const world: World = {
      clock: processClock(time, process, () => this.wall()),
      random: own.fork(),
      disk,
      network: internet.networkOf(this.address, process),
      programs: { run: (options) => Promise.reject(posix('ENOENT', options.command)) },
    };
    return { process, world };
  }

  /** Binds for a process, as the supervisor's bind does. */
  bind(process: SimProcess, address: string, port: number): SimSocket {
    return this.#parts.internet.bind(address, port, process);
  }

  /** The power fails: every process is gone, and of the disk what was not stable is lost in part. */
  crash(): void {
    this.powered = false;
    this.#parts.internet.setSilent(this.address, true);
    for (const process of [...this.processes]) process.end('lost-power');
    for (const view of this.#views) view.stop();
    this.#views = [];
    this.#disk = this.#disk.crash();
  }

  /** The power is back; nothing runs yet. */
  powerOn(): void {
    this.powered = true;
    this.#parts.internet.setSilent(this.address, false);
  }
}
