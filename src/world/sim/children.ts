import type { Child, ChildEnd, Children, ParentLink } from '../ports/children.ts';
import type { ListenHandle } from '../ports/network.ts';
import type { World } from '../world.ts';
import type { SimMachine } from './machine.ts';
import { SimSocket } from './network.ts';
import type { SimProcess } from './process.ts';
import type { SimTime } from './time.ts';

/** How long a message between processes of one machine takes. */
const MESSAGE_MS = 0.2;
/** How long a new process takes until it reads its first message. */
const START_MS = 60;

/** What a child's program is given. */
export interface ChildProgram {
  readonly process: SimProcess;
  readonly world: World;
  readonly link: ParentLink;
  exit(code: number): void;
}

/** Everything that children are made of; `main` is the program of each role. */
export interface SimChildrenParts {
  readonly time: SimTime;
  readonly machine: SimMachine;
  /** The parent. */
  readonly parent: SimProcess;
  readonly main: (role: 'worker' | 'operator', program: ChildProgram) => void;
}

/** A child of the simulation, which the simulation can kill as well. */
export interface SimChild extends Child {
  readonly role: 'worker' | 'operator';
  readonly process: SimProcess;
}

/** Starts the service's own processes inside this one, each with an end of its own. */
export function simChildren(parts: SimChildrenParts): Children & { readonly running: readonly SimChild[] } {
  const running: SimChild[] = [];
  return {
    running,
    start(role) {
      const child = startChild(parts, role, () => running.splice(running.indexOf(child), 1));
      running.push(child);
      return child;
    },
  };
}

function startChild(
  { time, machine, parent, main }: SimChildrenParts,
  role: 'worker' | 'operator',
  ended: () => void,
): SimChild {
  const { process, world } = machine.begin(role);
  const { pid } = process;
  let toParent: (message: unknown) => void = () => undefined;
  let toChild: ((message: unknown, handle: ListenHandle | undefined) => void) | undefined;
  let onLost: () => void = () => undefined;
  let onEnd: (end: ChildEnd) => void = () => undefined;
  let how: ChildEnd = { code: undefined, signal: 'SIGKILL' };
  const startedAt = time.now;
  const between = (from: SimProcess, to: SimProcess, fn: () => void): boolean => {
    if (!from.alive || !to.alive) return false;
    // A process that has just been forked reads what was sent meanwhile once it runs.
    const ms = Math.max(MESSAGE_MS, to === process ? startedAt + START_MS + MESSAGE_MS - time.now : 0);
    time.in(ms, () => {
      if (to.alive) fn();
    });
    return true;
  };
  process.onEnd(() => {
    ended();
    time.in(MESSAGE_MS, () => {
      if (parent.alive) onEnd(how);
    });
  });
  parent.onEnd(() => {
    time.in(Math.max(MESSAGE_MS, startedAt + START_MS + MESSAGE_MS - time.now), () => {
      if (process.alive) onLost();
    });
  });
  const link: ParentLink = {
    send: (message) => {
      const copy = structuredClone(message);
      return between(process, parent, () => toParent(copy));
    },
    onMessage(listener) {
      toChild = listener;
    },
    onLost(listener) {
      onLost = listener;
    },
  };
  const exit = (code: number): void => {
    how = { code, signal: undefined };
    process.end('ended');
  };
  time.in(START_MS, () => {
    if (process.alive) main(role, { process, world, link, exit });
  });
  return {
    role,
    process,
    pid,
    send(message, handle) {
      const copy = structuredClone(message);
      if (handle instanceof SimSocket) handle.hold(process);
      return between(parent, process, () => toChild?.(copy, handle));
    },
    onMessage(listener) {
      toParent = listener;
    },
    onEnd(listener) {
      onEnd = listener;
    },
    kill(signal) {
      how = { code: undefined, signal };
      if (signal === 'SIGTERM') return; // ours order their children's end by message
      process.end('ended');
    },
  };
}
