// The tasks behind `npm start`, `npm test`, `npm run build`, `npm run check` and `npm run ims`.
// Works on a fresh clone with Node's builtins only. A second start reads two stamps and goes.

const NEEDED = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(
    `This service needs Node ${NEEDED.join('.')} or newer; this is ${process.version} (${process.execPath}). Node 22 or 24 is recommended: https://nodejs.org/en/download`,
  );
  process.exit(126);
}

const { fileURLToPath } = await import('node:url');
process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { run } = await import('./child.mjs');
const { ensureBuilt, ensureInstalled } = await import('./prepare.mjs');

/** Each mail worker syncs and reads many files at once; libuv's four threads would be the limit. */
const SERVICE_ENV = { ...process.env, UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16' };
const service = (args) =>
  run(process.execPath, ['--enable-source-maps', 'dist/src/service/main.js', ...args], { env: SERVICE_ENV });

const tasks = {
  /** Without arguments the demonstration; options alone belong to the demonstration; a command is taken as it is. */
  async start(args) {
    const isCommand = args.length > 0 && !args[0].startsWith('-');
    return service(isCommand ? args : ['demo', ...args]);
  },
  ims: service,
  async build() {
    // Articles and texts may have changed since the sources were compiled.
    const { writeManifest } = await import('./manifest.mjs');
    writeManifest();
    return 0;
  },
  async test(args) {
    return run(process.execPath, ['scripts/test.mjs', ...args]);
  },
  async check(args) {
    await ensureInstalled('tools');
    return run(process.execPath, ['scripts/check.mjs', ...args]);
  },
};

const [name = '', ...args] = process.argv.slice(2);
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
if (task === undefined) {
  console.error(`Unknown task "${name}". Tasks: ${Object.keys(tasks).join(', ')}`);
  process.exit(64);
}
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
]) {
  // Between two programs nobody else listens: the lock is released by the exit.
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(128 + number);
  });
}
await ensureInstalled();
await ensureBuilt();
process.exit(await task(args));
