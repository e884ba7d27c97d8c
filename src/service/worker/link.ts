import type { CountRecord } from '../../operate/metrics/counts.ts';
import type { ParentLink } from '../../world/ports/children.ts';
import type { ListenHandle } from '../../world/ports/network.ts';
import type { World } from '../../world/world.ts';
import type { Voice } from '../last-words.ts';
import type { FromChild, ToChild } from '../messages.ts';

/** How often a child says that its event loop turns. */
const ALIVE_MS = 5_000;

/** What a child does with what the supervisor says. */
export interface ChildDuties {
  /** Begins; `ready` is said when it resolves. */
  start(message: Extract<ToChild, { kind: 'start' }>): Promise<void>;
  listen(message: Extract<ToChild, { kind: 'listen' }>, handle: ListenHandle): void;
  /** Builds everything for a configuration and keeps it aside; throws what stands against it. */
  prepare(message: Extract<ToChild, { kind: 'prepare' }>): Promise<void>;
  apply(generation: number): void;
  forget(generation: number): void;
  call(name: string, input: unknown): Promise<unknown>;
  /** Ends in order; the process exits when it resolves. */
  stop(graceMs: number): Promise<void>;
  /** What it has counted since it started, for the metrics. */
  counts?(): CountRecord;
  /** Hears how late its event loop came to what it does every few seconds. */
  late?(ms: number): void;
  /** Where it tells events; undefined before it has begun. */
  voice(): Voice | undefined;
}

/** The child's side of the talk with the supervisor. */
export interface SupervisorLink {
  /** Asks the supervisor. */
  ask(name: string, input: unknown): Promise<unknown>;
}

/** Joins a child's duties to its supervisor. `exit` ends the process, `failed` hears why where that is an error. */
export function serveSupervisor(
  link: ParentLink,
  clock: World['clock'],
  duties: (supervisor: SupervisorLink) => ChildDuties,
  exit: (code: number) => void,
  failed: (where: string, error: unknown) => void = () => undefined,
): ChildDuties {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let asked = 0;
  let ending = false;
  const say = (message: FromChild): void => void link.send(message);
  const child = duties({
    ask: (name, input) =>
      new Promise((resolve, reject) => {
        asked += 1;
        waiting.set(asked, { resolve, reject });
        say({ kind: 'call', id: asked, name, input });
      }),
  });

  const end = (graceMs: number): void => {
    if (ending) return;
    ending = true;
    // Without a supervisor nobody else would end a process that does not come to its end.
    clock.after(graceMs + END_MS, () => exit(1));
    child.stop(graceMs).then(
      () => exit(0),
      (error: unknown) => {
        failed('stopping', error);
        exit(1);
      },
    );
  };

  const receive = (message: ToChild, handle: ListenHandle | undefined): void => {
    switch (message.kind) {
      case 'start':
        child.start(message).then(
          () => say({ kind: 'ready' }),
          (error: unknown) => {
            failed('starting', error);
            exit(1);
          },
        );
        break;
      case 'listen':
        if (handle !== undefined) child.listen(message, handle);
        break;
      case 'prepare':
        child.prepare(message).then(
          () => say({ kind: 'prepared', generation: message.briefing.generation }),
          (error: unknown) =>
            say({ kind: 'prepared', generation: message.briefing.generation, problem: textOf(error) }),
        );
        break;
      case 'apply':
        child.apply(message.generation);
        break;
      case 'forget':
        child.forget(message.generation);
        break;
      case 'call':
        child.call(message.name, message.input).then(
          (result) => say({ kind: 'answer', id: message.id, ok: true, result }),
          (error: unknown) => say({ kind: 'answer', id: message.id, ok: false, result: textOf(error) }),
        );
        break;
      case 'answer': {
        const one = waiting.get(message.id);
        waiting.delete(message.id);
        if (message.ok) one?.resolve(message.result);
        else one?.reject(new Error(String(message.result)));
        break;
      }
      case 'stop':
        end(message.graceMs);
        break;
    }
  };

  let due = clock.now();
  const beat = (): void => {
    child.late?.(Math.max(0, clock.now() - due));
    due = clock.now() + ALIVE_MS;
    const counts = child.counts?.();
    say({ kind: 'alive', ...(counts === undefined ? {} : { counts }) });
    clock.after(ALIVE_MS, beat);
  };
  link.onMessage((message, handle) => receive(message as ToChild, handle));
  // Without a supervisor nobody would start us again or stop us: finish what is under way and make room for the next one.
  link.onLost(() => end(ORPHAN_GRACE_MS));
  beat();
  return child;
}

const ORPHAN_GRACE_MS = 1_000;

/** How long storing the rest and closing may take after the grace. */
const END_MS = 1_000;

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
