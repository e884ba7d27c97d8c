/** The service with segments so small that a few hundred messages fill, compact and use them again. */
import { fileURLToPath } from 'node:url';
import { queueLimits } from '../../../src/flow/queue/limits.ts';

const [first, second, ...rest] = process.argv.slice(2);
if (first === '--role') {
  Object.assign(queueLimits, { segmentBytes: 192 * 1024, slackBytes: 512 * 1024, batchBytes: 64 * 1024 });
  const { serveRole } = await import('../../../src/service/child.ts');
  await serveRole(second === 'worker' ? 'worker' : 'operator');
} else {
  const { nodeChildren } = await import('../../../src/world/node/children.ts');
  const { run } = await import('../../../src/service/run.ts');
  process.exitCode = await run({
    configurationPath: rest[0] ?? '',
    children: nodeChildren(fileURLToPath(import.meta.url)),
  });
}
