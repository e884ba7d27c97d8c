/** Calls that open a file for a moment: where the limit of open files is reached they wait for each other instead of failing. */
import { setTimeout as wait } from 'node:timers/promises';

const WAIT_MS = 5;
const WAITS_MAX = 400;

/** Calls again for as long as there is no descriptor for it, for two seconds at most. */
export async function whenDescriptor<T>(call: () => Promise<T>): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await call();
    } catch (error) {
      if (!isShort(error) || waits >= WAITS_MAX) throw error;
      await wait(WAIT_MS);
    }
  }
}

function isShort(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');
}
