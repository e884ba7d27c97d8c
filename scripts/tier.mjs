// Runs one tier of tests and returns what came of it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** All pure tests together take seconds: more means that one of them waits for something that never comes. */
const ONE_PROCESS_MAX_MS = 180_000;
const FILE_MAX_MS = 900_000;
const FILES_AT_ONCE = 2;
const KILL_AFTER_MS = 5_000;

const REPORTER = new URL('./reporter.mjs', import.meta.url).href;
const reporting = ['--enable-source-maps', `--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout'];

function end(args, env, limitMs) {
  return new Promise((settle) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
    const stop = (signal) => () => child.kill(signal);
    const onInterrupt = stop('SIGINT');
    const onTerminate = stop('SIGTERM');
    process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
    let late = false;
    const timer =
      limitMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            child.kill('SIGTERM');
            setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
          }, limitMs);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
      settle({ late, code, signal });
    });
  });
}

/** What ended abnormally is a failure even where no test said so. */
function counted(counts, { late, code, signal }) {
  if (late)
    console.log(
      `FAILED: the tests did not end within ${ONE_PROCESS_MAX_MS / 1000} s: something keeps the process alive`,
    );
  else if (counts === undefined)
    console.log(`FAILED: the test process ended without a result (${signal ?? `exit code ${code}`})`);
  else if (code !== 0 && counts.failed === 0)
    console.log(`FAILED: the test process ended with ${signal ?? `exit code ${code}`} although no test failed`);
  else return counts;
  return { passed: 0, skipped: 0, ...counts, failed: (counts?.failed ?? 0) + 1 };
}

/**
 * Runs test files, all in one process or one process each, and returns { passed, failed, skipped }.
 */
export async function runTier({ files, oneProcess, nothingSkipped }) {
  const folder = mkdtempSync(join(tmpdir(), 'ims-tests-'));
  const result = join(folder, 'counts.json');
  const env = {
    ...process.env,
    IMS_TEST_COUNTS: result,
    ...(nothingSkipped ? { IMS_TESTS_NOTHING_SKIPPED: '1' } : {}),
  };
  delete env.NODE_TEST_CONTEXT;
  try {
    let outcome;
    if (oneProcess) {
      const list = join(folder, 'files');
      writeFileSync(list, files.map((file) => resolve(file)).join('\n'));
      outcome = await end(
        [...reporting, new URL('./one-process.mjs', import.meta.url).pathname, list],
        env,
        ONE_PROCESS_MAX_MS,
      );
    } else {
      const limits = [`--test-concurrency=${FILES_AT_ONCE}`, `--test-timeout=${FILE_MAX_MS}`];
      outcome = await end(['--test', ...reporting, ...limits, ...files], env);
    }
    let counts;
    try {
      counts = JSON.parse(readFileSync(result, 'utf8'));
    } catch {
      // The process ended before its reporter did: counted as a failure below.
    }
    return counted(counts, outcome);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
