import * as os from 'node:os';
import { nodeParentLink } from '../world/node/children.ts';
import { nodeDescriptors } from '../world/node/descriptors.ts';
import { takeLock } from '../world/node/instance-lock.ts';
import { nodeOutput } from '../world/node/output.ts';
import { canonicalAddress } from '../world/node/stream.ts';
import { nodeWorld } from '../world/node/world.ts';
import { serveSupervisor } from './worker/link.ts';

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
  if (role === 'worker') {
    const { createWorker } = await import('./worker/worker.ts');
    const verifyPassword = async (hash: string, password: string): Promise<boolean> =>
      (await import('../world/node/passwords.ts')).verifyPassword(hash, password);
    const parts = { world: nodeWorld, output, descriptors: nodeDescriptors(), ownAddresses, verifyPassword, takeLock };
    serveSupervisor(nodeParentLink, nodeWorld.clock, (supervisor) => createWorker(parts, supervisor), exit);
  } else {
    const { createOperator } = await import('./operator/operator.ts');
    serveSupervisor(nodeParentLink, nodeWorld.clock, (supervisor) => createOperator({ world: nodeWorld, output }, supervisor), exit);
  }
}

let addresses: { readonly list: readonly string[]; readonly atMs: number } | undefined;

/** The addresses of this host, asked again every few seconds. */
function ownAddresses(): readonly string[] {
  const now = nodeWorld.clock.now();
  if (addresses === undefined || now - addresses.atMs > ADDRESSES_KEPT_MS) {
    const list = Object.values(os.networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => canonicalAddress(address)));
    addresses = { list, atMs: now };
  }
  return addresses.list;
}
