/** An entry like the service's own, whose worker aborts as soon as it writes into bob's mailbox, while no file says that this is mended. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serveRole } from '../../../src/service/child.ts';
import { run } from '../../../src/service/run.ts';
import { serveSupervisor } from '../../../src/service/worker/link.ts';
import { createWorker } from '../../../src/service/worker/worker.ts';
import { nodeChildren, nodeParentLink } from '../../../src/world/node/children.ts';
import { nodeDescriptors } from '../../../src/world/node/descriptors.ts';
import { takeLock } from '../../../src/world/node/instance-lock.ts';
import { nodeOutput } from '../../../src/world/node/output.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import type { Disk } from '../../../src/world/ports/disk.ts';

const DEADLY = '/example.test/bob/tmp/';

const [first, second, third] = process.argv.slice(2);
if (first === '--role' && second === 'worker') {
  const disk: Disk = Object.create(nodeWorld.disk) as Disk;
  disk.open = (path, how, mode) => {
    if (path.includes(DEADLY) && !existsSync(process.env['IMS_TEST_MENDED'] ?? '/no/such/file')) process.abort();
    return nodeWorld.disk.open(path, how, mode);
  };
  const output = nodeOutput(1);
  const parts = {
    world: { ...nodeWorld, disk },
    output,
    descriptors: nodeDescriptors(),
    ownAddresses: () => ['127.0.0.1'],
    verifyPassword: async () => false,
    takeLock,
  };
  serveSupervisor(
    nodeParentLink,
    nodeWorld.clock,
    (supervisor) => createWorker(parts, supervisor),
    (code) => void output.flush(500).finally(() => process.exit(code)),
  );
} else if (first === '--role') {
  await serveRole('operator');
} else if (first === 'run' && second === '--config' && third !== undefined) {
  process.exitCode = await run({ configurationPath: third, children: nodeChildren(fileURLToPath(import.meta.url)) });
}
