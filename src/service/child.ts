import * as os from 'node:os';
import type { Journal } from '../events/journal.ts';
import { createJournal } from '../operate/journal/journal.ts';
import { outputWriter } from '../operate/journal/output-writer.ts';
import { nodeParentLink } from '../world/node/children.ts';
import { nodeDescriptors } from '../world/node/descriptors.ts';
import { takeLock } from '../world/node/instance-lock.ts';
import { nodeOutput } from '../world/node/output.ts';
import { canonicalAddress } from '../world/node/stream.ts';
import { nodeWorld } from '../world/node/world.ts';
import type { Host } from '../world/ports/host.ts';
import type { Http } from '../world/ports/http.ts';
import type { SecureShell } from '../world/ports/secure-shell.ts';
import type { Output } from '../world/ports/output.ts';
import { lastWords, type Voice } from './last-words.ts';
import { type ChildDuties, serveSupervisor } from './worker/link.ts';

const FLUSH_MS = 500;
const ADDRESSES_KEPT_MS = 10_000;

/** Runs this process as a worker or as the operator until the supervisor ends it. */
export async function serveRole(role: 'worker' | 'operator'): Promise<void> {
  const output = nodeOutput(1);
  const exit = (code: number): void => {
    void output.flush(FLUSH_MS).finally(() => process.exit(code));
  };
  // The supervisor orders the end; a terminal's signals are its business.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  let duties: ChildDuties | undefined;
  const hear = lastWords(
    () => duties?.voice() ?? ownVoice(role, output),
    nodeWorld.clock,
    () => exit(1),
  );
  process.on('uncaughtException', (error) => hear(`the ${role}: uncaught exception`, error));
  process.on('unhandledRejection', (error) => hear(`the ${role}: unhandled rejection`, error));
  const failed = (where: string, error: unknown): void => hear(`the ${role}: ${where}`, error);
  if (role === 'worker') {
    const { createWorker } = await import('./worker/worker.ts');
    const verifyPassword = async (hash: string, password: string): Promise<boolean> =>
      (await import('../world/node/passwords.ts')).verifyPassword(hash, password);
    const shell: SecureShell = {
      publicKey: async (key) => (await import('../world/node/secure-shell.ts')).nodeSecureShell.publicKey(key),
      connect: async (terms) => (await import('../world/node/secure-shell.ts')).nodeSecureShell.connect(terms),
    };
    const parts = {
      world: nodeWorld,
      shell,
      output,
      descriptors: nodeDescriptors(),
      ownAddresses,
      verifyPassword,
      takeLock,
    };
    duties = serveSupervisor(
      nodeParentLink,
      nodeWorld.clock,
      (supervisor) => createWorker(parts, supervisor),
      exit,
      failed,
    );
  } else {
    const { createOperator } = await import('./operator/operator.ts');
    duties = serveSupervisor(
      nodeParentLink,
      nodeWorld.clock,
      (supervisor) =>
        createOperator(
          { world: nodeWorld, output, host: nodeHostLater, http: nodeHttpLater, programDirectory: import.meta.dirname },
          supervisor,
        ),
      exit,
      failed,
    );
  }
}

/** What looks at the host is loaded when it is first needed. */
const nodeHostLater = async (): Promise<Host> => (await import('../world/node/host.ts')).nodeHost;

const nodeHttpLater = async (): Promise<Http> => (await import('../world/node/http.ts')).nodeHttp;

/** The voice of a process that has none yet. */
function ownVoice(role: 'worker' | 'operator', output: Output): Voice {
  const journal: Journal = createJournal({
    clock: nodeWorld.clock,
    process: { role },
    levels: {},
    writers: [outputWriter(output, 'auto', 'standard output', () => journal)],
  });
  return { journal, flush: () => Promise.resolve() };
}

let addresses: { readonly list: readonly string[]; readonly atMs: number } | undefined;

/** The addresses of this host, asked again every few seconds. */
function ownAddresses(): readonly string[] {
  const now = nodeWorld.clock.now();
  if (addresses === undefined || now - addresses.atMs > ADDRESSES_KEPT_MS) {
    const list = Object.values(os.networkInterfaces()).flatMap((all) =>
      (all ?? []).map(({ address }) => canonicalAddress(address)),
    );
    addresses = { list, atMs: now };
  }
  return addresses.list;
}
