import { type ChildProcess, fork, type SendHandle } from 'node:child_process';
import { errnoOf } from '../../events/fault.ts';
import type { Child, Children, ParentLink } from '../ports/children.ts';
import type { ListenHandle } from '../ports/network.ts';

/** Threads of a child for storage, look-ups and cryptography: one slow kind must not hold up the others. The launcher takes fewer where few are allowed. */
const THREADS = '16';

/** Messages live for milliseconds: with room for more of them at once fewer are copied by the collector (measured: 7 % more mail accepted). */
const YOUNG_MEMORY = '--max-semi-space-size=32';

type Role = Parameters<Children['start']>[0];
type User = Parameters<Children['start']>[1];

/** Children that may load while this process still reads its configuration: both take the same time, on two cores at once. */
export interface ForkedChildren extends Children {
  /** Forks one that the next `start` of this role without a user takes. */
  early(role: Role): void;
  /** Ends those that nobody has taken. */
  dispose(): void;
}

/** Forks `entry` with the role as its first argument. */
export function nodeChildren(entry: string): ForkedChildren {
  const early = new Map<Role, ChildProcess>();
  return {
    early(role) {
      const child = forkRole(entry, role, undefined);
      child.on('error', () => undefined);
      early.set(role, child);
    },
    start(role, user) {
      const waiting = early.get(role);
      if (user === undefined && waiting?.exitCode === null && waiting.connected) {
        early.delete(role);
        return wrap(waiting);
      }
      return wrap(forkRole(entry, role, user));
    },
    dispose() {
      for (const child of early.values()) child.kill('SIGKILL');
      early.clear();
    },
  };
}

function forkRole(entry: string, role: Role, user: User): ChildProcess {
  return fork(entry, ['--role', role], {
    env: { UV_THREADPOOL_SIZE: THREADS, ...process.env },
    execArgv: [...process.execArgv, '--expose-gc', YOUNG_MEMORY],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // A terminal's Ctrl-C goes to the supervisor alone, which drains the rest in order.
    detached: true,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
}

function wrap(child: ChildProcess): Child {
  child.on('error', () => undefined); // a failed fork or send shows as the child's end
  return {
    pid: child.pid ?? -1,
    send(message, handle) {
      if (!child.connected) return false;
      // What it answers is no more than that others wait before this one, as they do behind every socket.
      child.send(message as object, handle as SendHandle | undefined, () => undefined);
      return true;
    },
    onMessage: (listener) => void child.on('message', listener),
    onEnd(listener) {
      let told = false;
      const tell = (code: number | null, signal: string | null, errno?: string): void => {
        if (told) return;
        told = true;
        listener({ code: code ?? undefined, signal: signal ?? undefined, errno });
      };
      child.on('exit', (code, signal) => tell(code, signal));
      child.on('error', (error) => {
        if (child.pid === undefined) tell(1, null, errnoOf(error));
      });
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** The link of this process to the supervisor that forked it. */
export const nodeParentLink: ParentLink = {
  send(message) {
    if (process.send === undefined || !process.connected) return false;
    return process.send(message, undefined, undefined, () => undefined);
  },
  onMessage: (listener) =>
    void process.on('message', (message: unknown, handle: unknown) =>
      listener(message, (handle ?? undefined) as ListenHandle | undefined),
    ),
  onLost(listener) {
    // The supervisor may have gone while this process was still loading.
    if (process.connected) process.on('disconnect', listener);
    else setImmediate(listener);
  },
};
