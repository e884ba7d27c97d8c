// Brings a clone to the point where it can run: packages installed, sources compiled. Does nothing when both are done.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';
import { holding } from './lock.mjs';
import { writeManifest } from './manifest.mjs';
import { buildStamp, installStamp, stampIs, writeStamp } from './stamps.mjs';

const LOCK = '.build/lock';
const BUILD_STAMP = 'dist/.stamp';

const say = (line) => process.stderr.write(`${line}\n`);
const isInstalled = (folder) => stampIs(join(folder, 'node_modules/.stamp'), installStamp(folder));
const isBuilt = () => stampIs(BUILD_STAMP, buildStamp());

/** The npm that called us, else the one on the path. */
function npm(args) {
  const caller = process.env.npm_execpath ?? '';
  return caller.endsWith('npm-cli.js') ? [process.execPath, [caller, ...args]] : ['npm', args];
}

async function install(folder) {
  const stamp = installStamp(folder);
  say(`Installing the packages of ${folder === '.' ? 'this project' : folder} ...`);
  const [program, args] = npm(['ci', '--include=dev', '--no-audit', '--no-fund']);
  // With NODE_ENV=production npm would leave out what the build needs.
  const code = await run(program, args, { env: { ...process.env, NODE_ENV: '' }, cwd: folder }).catch((error) => {
    say(`npm cannot be started (${error.code}). It comes with Node; on Debian it is the package "npm".`);
    return 1;
  });
  if (code !== 0) {
    say(
      'The installation did not finish. It needs the npm registry (network or a mirror) once; run the command again to repeat it.',
    );
    process.exit(code);
  }
  writeStamp(join(folder, 'node_modules/.stamp'), stamp);
}

/** Output whose source is gone would still be found and run. */
function removeStale(folder = 'dist') {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      removeStale(path);
      continue;
    }
    const source = path.slice('dist/'.length).replace(/\.js(\.map)?$/, '.ts');
    if (/\.js(\.map)?$/.test(path) && !existsSync(source)) rmSync(path);
  }
}

async function build() {
  // Taken before compiling: a source that changes meanwhile leads to another build.
  const stamp = buildStamp();
  say('Building ...');
  const code = await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']);
  if (code !== 0) {
    say('The build failed: the errors are above.');
    process.exit(code);
  }
  removeStale();
  writeManifest();
  writeStamp(BUILD_STAMP, stamp);
}

async function once(isDone, work) {
  if (isDone()) return;
  await holding(
    LOCK,
    (pid) => say(`Waiting for process ${pid}, which installs or builds here ...`),
    async () => {
      if (!isDone()) await work();
    },
  );
}

/** Installs the packages of a folder unless its stamp says that they are there. */
export const ensureInstalled = (folder = '.') =>
  once(
    () => isInstalled(folder),
    () => install(folder),
  );

/** Compiles unless the stamp says that nothing changed. */
export const ensureBuilt = () => once(isBuilt, build);
