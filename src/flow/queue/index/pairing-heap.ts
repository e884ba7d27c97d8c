/**
 * Pairing heaps over one set of link arrays: any number of heaps share the rows of a table, a heap is the number of
 * its root row, and row 0 is nobody. Insert and unlink cost a few writes; nothing is allocated.
 */
export class PairingHeaps {
  #child: Uint32Array;
  #next: Uint32Array;
  /** The left sibling, or the parent for the first child. */
  #previous: Uint32Array;
  readonly #before: (a: number, b: number) => boolean;

  /** `before` says whether row a goes before row b. */
  constructor(capacity: number, before: (a: number, b: number) => boolean) {
    this.#child = new Uint32Array(capacity);
    this.#next = new Uint32Array(capacity);
    this.#previous = new Uint32Array(capacity);
    this.#before = before;
  }

  /** Makes room for rows below `capacity`. */
  grow(capacity: number): void {
    this.#child = widened(this.#child, capacity);
    this.#next = widened(this.#next, capacity);
    this.#previous = widened(this.#previous, capacity);
  }

  /** Adds a row that is in no heap; returns the new root. */
  insert(root: number, row: number): number {
    this.#child[row] = 0;
    this.#next[row] = 0;
    this.#previous[row] = 0;
    return root === 0 ? row : this.#merge(root, row);
  }

  /** Removes the root; returns the new one, 0 where the heap is empty. */
  pop(root: number): number {
    const first = this.#child[root] ?? 0;
    this.#child[root] = 0;
    return this.#mergeSiblings(first);
  }

  /** Removes a row from the heap that it is in; returns the new root. */
  remove(root: number, row: number): number {
    if (row === root) return this.pop(root);
    const previous = this.#previous[row] ?? 0;
    const next = this.#next[row] ?? 0;
    if (this.#child[previous] === row) this.#child[previous] = next;
    else this.#next[previous] = next;
    if (next !== 0) this.#previous[next] = previous;
    this.#next[row] = 0;
    this.#previous[row] = 0;
    const rest = this.pop(row);
    return rest === 0 ? root : this.#merge(root, rest);
  }

  #merge(a: number, b: number): number {
    const aFirst = this.#before(a, b);
    const top = aFirst ? a : b;
    const under = aFirst ? b : a;
    const child = this.#child[top] ?? 0;
    this.#next[under] = child;
    this.#previous[under] = top;
    if (child !== 0) this.#previous[child] = under;
    this.#child[top] = under;
    return top;
  }

  /** Two passes: pairs from left to right, then all pairs from right to left. */
  #mergeSiblings(first: number): number {
    let pairs = 0;
    let row = first;
    while (row !== 0) {
      const second = this.#next[row] ?? 0;
      const after = second === 0 ? 0 : (this.#next[second] ?? 0);
      this.#next[row] = 0;
      this.#previous[row] = 0;
      let pair = row;
      if (second !== 0) {
        this.#next[second] = 0;
        this.#previous[second] = 0;
        pair = this.#merge(row, second);
      }
      this.#next[pair] = pairs;
      pairs = pair;
      row = after;
    }
    let root = 0;
    while (pairs !== 0) {
      const after = this.#next[pairs] ?? 0;
      this.#next[pairs] = 0;
      root = root === 0 ? pairs : this.#merge(root, pairs);
      pairs = after;
    }
    return root;
  }
}

/** A longer copy of a typed array of row numbers. */
function widened(old: Uint32Array, capacity: number): Uint32Array {
  const wide = new Uint32Array(capacity);
  wide.set(old);
  return wide;
}
