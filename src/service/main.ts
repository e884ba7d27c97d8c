/** The entry of every process of the service: the supervisor (`run`, `demo`), its children (`--role`), and the command line. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ForkedChildren } from '../world/node/children.ts';

/** From here on all modules of a process may be open at once, as they are while they load. */
const FILES_ENOUGH = 512;

const entry = fileURLToPath(import.meta.url);
const [first, second, ...rest] = process.argv.slice(2);

const notFor = {
  worker: ['./run.js', './demonstration.js', './operator/operator.js', '../operate/cli/main.js'],
  operator: ['./run.js', './demonstration.js', './worker/worker.js', '../operate/cli/main.js'],
  run: ['./child.js', './demonstration.js', '../operate/cli/main.js'],
  demo: ['./child.js', '../operate/cli/main.js'],
  words: ['./child.js', './run.js', './demonstration.js'],
} as const;

/** How many files a process may open; no other system than Linux tells. */
const limits = existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'latin1') : '';
if (Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity) < FILES_ENOUGH) {
  const { loadOneAtATime } = await import('../world/node/one-at-a-time.ts');
  const role = first === '--role' ? second : first;
  loadOneAtATime(entry, role !== undefined && isRole(role) ? notFor[role] : notFor.words);
}

try {
  if (first === '--role' && (second === 'worker' || second === 'operator')) {
    const { serveRole } = await import('./child.ts');
    await serveRole(second);
  } else if (first === 'demo') {
    const children = await childrenLoading();
    const { runDemonstration } = await import('./demonstration.ts');
    process.exitCode = await runDemonstration(children);
  } else if (first === 'run' && !['--help', '-h'].includes(second ?? '')) {
    const children = await childrenLoading();
    const { configurationArgument } = await import('./arguments.ts');
    const { run } = await import('./run.ts');
    const { nodeWorld } = await import('../world/node/world.ts');
    const words = [second, ...rest].filter((word) => word !== undefined);
    const path = await configurationArgument(words, process.env, nodeWorld);
    if (path.ok) process.exitCode = await run({ configurationPath: path.value, children });
    else {
      children.dispose();
      process.stderr.write(`${path.problem}\n`);
      process.exitCode = 2;
    }
  } else {
    const { main } = await import('../operate/cli/main.ts');
    const { nodeWorld } = await import('../world/node/world.ts');
    const { VERSION: version } = await import('./version.ts');
    const { stdin, stdout, stderr, env: environment } = process;
    const hashPassword = async (password: string): Promise<string> =>
      (await import('../world/node/passwords.ts')).hashPassword(password);
    process.exitCode = await main(process.argv.slice(2), {
      stdin,
      stdout,
      stderr,
      environment,
      world: nodeWorld,
      version,
      programDirectory: dirname(entry),
      nodeVersion: process.versions.node,
      hashPassword,
      host: async () => (await import('../world/node/host.ts')).nodeHost,
      changes: async () => (await import('../world/node/host-changes.ts')).nodeHostChanges,
      programs: async () => (await import('../world/node/programs.ts')).nodePrograms,
      shell: async () => (await import('../world/node/secure-shell.ts')).nodeSecureShell,
      onInterrupt(fn) {
        process.on('SIGINT', fn);
        return () => void process.removeListener('SIGINT', fn);
      },
    });
  }
} catch (error) {
  const why = whyNotLoaded(error);
  if (why === undefined) throw error;
  process.stderr.write(why);
  process.exit(126); // children that were forked already end with this process
}

/** The processes that every configuration needs begin to load before this one has loaded what reads it. */
async function childrenLoading(): Promise<ForkedChildren> {
  const { nodeChildren } = await import('../world/node/children.ts');
  const { afterBeginning } = await import('../world/node/begin-again.ts');
  afterBeginning();
  const children = nodeChildren(entry);
  // They would load what may be avoided.
  if ((process.env['LD_PRELOAD'] ?? '') !== '') return children;
  for (const role of ['worker', 'operator'] as const) children.early(role);
  return children;
}

function isRole(word: string): word is keyof typeof notFor {
  return Object.hasOwn(notFor, word);
}

/** What is wrong with the installation, in words, where a file or a package of it is missing or of another version. */
function whyNotLoaded(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  const isOfOurs = /^ERR_(?:MODULE_NOT_FOUND|PACKAGE_PATH_NOT_EXPORTED|INVALID_PACKAGE)/.test(code);
  if (!isOfOurs && !(error instanceof SyntaxError && /does not provide an export/.test(error.message)))
    return undefined;
  return [
    `ims: event 4020: nothing can run: the installation is not whole: ${error.message}`,
    `ims: next: install it again, the packages with npm ci --omit=dev in ${join(dirname(entry), '../../..')}; then ims verify shows what differs`,
    '',
  ].join('\n');
}
