import { type ChildProcess, fork, type SendHandle } from 'node:child_process';
import type { Child, Children, ParentLink } from '../ports/children.ts';
import type { ListenHandle } from '../ports/network.ts';

/** Threads of a child for storage, look-ups and cryptography: one slow kind must not hold up the others. */
const THREADS = '16';

/** Messages live for milliseconds: with room for more of them at once fewer are copied by the collector (measured: 7 % more mail accepted). */
const YOUNG_MEMORY = '--max-semi-space-size=32';

/** Forks `entry` with the role as its first argument. */
export function nodeChildren(entry: string): Children {
  return {
    start(role, user) {
      const child = fork(entry, ['--role', role], {
        env: { ...process.env, UV_THREADPOOL_SIZE: THREADS },
        execArgv: [...process.execArgv, '--expose-gc', YOUNG_MEMORY],
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        // A terminal's Ctrl-C goes to the supervisor alone, which drains the rest in order.
        detached: true,
        ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
      });
      return wrap(child);
    },
  };
}

function wrap(child: ChildProcess): Child {
  child.on('error', () => undefined); // a failed fork or send shows as the child's end
  return {
    pid: child.pid ?? -1,
    send(message, handle) {
      if (!child.connected) return false;
      return child.send(message as object, handle as SendHandle | undefined, () => undefined);
    },
    onMessage: (listener) => void child.on('message', listener),
    onEnd(listener) {
      let told = false;
      const tell = (code: number | null, signal: string | null): void => {
        if (told) return;
        told = true;
        listener({ code: code ?? undefined, signal: signal ?? undefined });
      };
      child.on('exit', tell);
      child.on('error', () => {
        if (child.pid === undefined) tell(1, null);
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
