/**
 * The impossible: a condition that this program's own code should have made true.
 * Thrown only by `assert` and `unreachable`; a frontier (session, attempt, process) turns it
 * into an event and ends what it could have damaged.
 */
export class Bug extends Error {
  override readonly name = 'Bug';
}

/** Ends the caller with a `Bug` unless the condition holds; `what` says what should have been so. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Bug(what);
}

/** Marks a branch that the types say cannot be taken. */
export function unreachable(value: never): never {
  throw new Bug(`unexpected value ${JSON.stringify(value)}`);
}
