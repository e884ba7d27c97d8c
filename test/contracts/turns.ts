import assert from 'node:assert/strict';

/** Lets so many turns of the event loop go by. */
export async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets turns go by until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  for (let at = 0; at < 5000 && !condition(); at += 1) await turns(1);
  assert(condition(), 'waited in vain');
}
