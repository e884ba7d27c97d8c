/**
 * What keeps a child from living, as this process can see it. The operator process, which examines the host otherwise, may be the one
 * that does not live; what looks is loaded when it is needed.
 */
import type { Settings } from '../../settings/index.ts';
import type { Check, Parts } from '../../operate/doctor/check.ts';
import { nodeWorld } from '../../world/node/world.ts';

const NOT_FOUND = 'no limit of this host explains it; what Node prints before it does (ims events --number 4131)';
/** What the system says where it cannot even begin a process. */
const WORDS: Readonly<Record<string, string>> = {
  EAGAIN:
    'the system allows no further process or thread; other programs of the same user count too (ulimit -u, TasksMax= of the unit, pids.max of the container; ps -eLf | wc -l shows how many there are)',
  ENOMEM: 'the system has no memory for a further process (free -m; MemoryMax= of the unit)',
};
/** Differences of the installation that are named. */
const NAMED_MAX = 3;

/** Asks the checks of limits and memory, and compares the installation with its build; always finds some words. */
export async function whyFailing(how: string, settings: Settings, programDirectory: string): Promise<string> {
  const looks = [ofHost(settings), ofInstallation(programDirectory)];
  const found = await Promise.all(
    looks.map((look) => look.catch((error: unknown) => (error instanceof Error ? [error.message] : []))),
  );
  return found.flat()[0] ?? WORDS[how] ?? NOT_FOUND;
}

async function ofHost(settings: Settings): Promise<readonly string[]> {
  const [{ nodeHost: host }, memory, { processLimits }, { fileDescriptors }] = await Promise.all([
    import('../../world/node/host.ts'),
    import('../../operate/doctor/checks/memory.ts'),
    import('../../operate/doctor/checks/resources.ts'),
    import('../../operate/doctor/checks/host.ts'),
  ]);
  const checks = [memory.processesAllowed, processLimits, fileDescriptors, memory.memoryThere, memory.hostTables];
  const service: Parts['service'] = {
    ask: async () => ({ kind: 'not-running', path: '', why: '' }),
    request: async () => undefined,
  };
  const look = async (check: Check): Promise<string | undefined> => {
    const verdict = await check.look({ settings, host, service, disk: nodeWorld.disk, clock: nodeWorld.clock });
    return verdict.kind === 'unhealthy' ? `${verdict.cause.replace(/\.$/, '')}; ${verdict.cure}` : undefined;
  };
  return (await Promise.all(checks.map(look))).filter((cause) => cause !== undefined);
}

async function ofInstallation(programDirectory: string): Promise<readonly string[]> {
  const { verifyInstallation } = await import('../../operate/installation/verify.ts');
  const found = await verifyInstallation(nodeWorld.disk, programDirectory, process.versions.node);
  if (!found.ok || found.differences.length === 0) return [];
  const named = found.differences.slice(0, NAMED_MAX).map(({ what, seen }) => `${what} ${seen}`);
  return [
    `the installation is not as it was built: ${named.join('; ')}; ims verify lists all, installing it again cures`,
  ];
}
