import type { ListenHandle } from './network.ts';

/** How a child process ended. */
export interface ChildEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** The system's code where it could not be started at all. */
  readonly errno?: string | undefined;
}

/** A running child process of ours, seen from the supervisor. Messages are structured clones. */
export interface Child {
  readonly pid: number;
  /** False when the child is gone. */
  send(message: unknown, handle?: ListenHandle): boolean;
  onMessage(listener: (message: unknown) => void): void;
  onEnd(listener: (end: ChildEnd) => void): void;
  kill(signal: 'SIGTERM' | 'SIGKILL' | 'SIGABRT'): void;
}

/** The way back to the supervisor, seen from a child. */
export interface ParentLink {
  send(message: unknown): boolean;
  onMessage(listener: (message: unknown, handle: ListenHandle | undefined) => void): void;
  /** The supervisor is gone. */
  onLost(listener: () => void): void;
}

/** Starts our own processes. */
export interface Children {
  start(role: 'worker' | 'operator', user: { readonly uid: number; readonly gid: number } | undefined): Child;
}
