/**
 * A disk as its recorded calls leave it when the power goes at some moment. A page of 4 KB that no sync covered, and a name whose
 * directory no sync covered, may be there or not. A sync covers what had returned before it began, once it has returned itself.
 * Against what journaling file systems do, a sync of a file says nothing of its name, and names do not keep their order.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { RecordedCall } from './recorded-writes.ts';

/** What happens to that which no sync covered. */
export type Unsynced = 'lost' | 'by chance' | 'kept';

/** How the power goes. */
export interface PowerCut {
  readonly atNs: number;
  readonly unsynced: Unsynced;
  readonly chance: () => number;
}

/** A sync, as one asks whether it counts: of a directory, or of the file that was first called so. */
export interface RecordedSync {
  readonly path: string;
  readonly directory: boolean;
}

const PAGE = 4096;
const NEVER = Number.POSITIVE_INFINITY;

/** A change that becomes stable with the first sync that began after it. */
interface Change {
  readonly beganNs: number;
  readonly returnedNs: number;
  stableNs: number;
}
type ContentChange = Change & {
  readonly position: number;
  readonly length: number;
  readonly octets: Buffer | 'zeros' | 'cut off';
};
type NameChange = Change & { readonly sets: readonly (readonly [path: string, node: Node | undefined])[] };

class Node {
  readonly path: string;
  readonly inode: number;
  readonly directory: boolean;
  readonly changes: ContentChange[] = [];
  /** Of a directory: changes of its names. */
  readonly names: NameChange[] = [];
  readonly syncs: { readonly beganNs: number; readonly returnedNs: number }[] = [];

  constructor(path: string, inode: number, directory: boolean) {
    this.path = path;
    this.inode = inode;
    this.directory = directory;
  }
}

/** A file that has survived. */
interface Survivor {
  readonly pages: ReadonlyMap<number, Buffer>;
  readonly sizeBytes: number;
}

export class RecordedDisk {
  readonly #root: string;
  readonly #nodes: Node[] = [];
  readonly #names: NameChange[] = [];
  readonly #live = new Map<string, Node>();
  readonly #byInode = new Map<number, Node>();

  /** `root` was there, and stable, before the recording began, and is still there. `counts` leaves syncs out. */
  constructor(root: string, calls: readonly RecordedCall[], counts: (sync: RecordedSync) => boolean = () => true) {
    this.#root = root;
    this.#live.set(root, this.#add(root, statSync(root).ino, true));
    for (const call of calls) this.#take(call);
    for (const node of this.#nodes) {
      if (!counts({ path: node.path, directory: node.directory })) continue;
      for (const change of [...node.changes, ...node.names]) {
        const syncs = node.syncs.filter((sync) => sync.beganNs >= change.returnedNs);
        change.stableNs = Math.min(NEVER, ...syncs.map((sync) => sync.returnedNs));
      }
    }
  }

  /** Rebuilds below `target` what a power cut leaves below the root. */
  rebuild(target: string, cut: PowerCut): void {
    const names = new Map<string, Node>();
    for (const change of this.#names) {
      if (!survives(change, cut)) continue;
      for (const [path, node] of change.sets) {
        if (node === undefined) names.delete(path);
        else names.set(path, node);
      }
    }
    const survivors = new Map<Node, Survivor>();
    const reached = (path: string): boolean =>
      path === this.#root || (names.get(path)?.directory === true && reached(dirname(path)));
    mkdirSync(target, { recursive: true, mode: 0o755 });
    for (const path of [...names.keys()].sort()) {
      const node = names.get(path);
      if (node === undefined || !reached(dirname(path))) continue;
      const copy = join(target, relative(this.#root, path));
      if (node.directory) {
        mkdirSync(copy, { recursive: true, mode: 0o700 });
        continue;
      }
      const survivor = survivors.get(node) ?? survivorOf(node, cut);
      survivors.set(node, survivor);
      writeFile(copy, survivor);
    }
  }

  #take(call: RecordedCall): void {
    switch (call.kind) {
      case 'opened': {
        const known = this.#live.get(call.path);
        if (known?.inode !== call.inode) {
          // What was opened without being made was there before.
          this.#name(call.mayCreate ? call : { beganNs: 0, returnedNs: 0 }, [
            [call.path, this.#add(call.path, call.inode, call.directory)],
          ]);
        }
        if (call.emptied) this.#change(call, call.inode, { position: 0, length: 0, octets: 'cut off' });
        return;
      }
      case 'made':
        return this.#name(call, [[call.path, this.#add(call.path, call.inode, true)]]);
      case 'renamed':
        return this.#name(call, [
          [call.path, undefined],
          [call.to, this.#live.get(call.path)],
        ]);
      case 'linked':
        return this.#name(call, [[call.to, this.#live.get(call.path)]]);
      case 'unlinked':
        return this.#name(call, [[call.path, undefined]]);
      case 'written':
        return this.#change(call, call.inode, call);
      case 'truncated':
        return this.#change(call, call.inode, { position: call.size, length: 0, octets: 'cut off' });
      case 'synced':
        this.#byInode.get(call.inode)?.syncs.push(call);
        return;
      case 'said':
        return;
    }
  }

  #add(path: string, inode: number, directory: boolean): Node {
    const node = new Node(path, inode, directory);
    this.#nodes.push(node);
    this.#byInode.set(inode, node);
    return node;
  }

  #change(
    times: Pick<Change, 'beganNs' | 'returnedNs'>,
    inode: number,
    what: Pick<ContentChange, 'position' | 'length' | 'octets'>,
  ): void {
    const { position, length, octets } = what;
    const { beganNs, returnedNs } = times;
    this.#byInode.get(inode)?.changes.push({ beganNs, returnedNs, stableNs: NEVER, position, length, octets });
  }

  /** The last of the names decides whose directory makes the change stable: of a rename the new one. */
  #name({ beganNs, returnedNs }: Pick<Change, 'beganNs' | 'returnedNs'>, sets: NameChange['sets']): void {
    const change: NameChange = { beganNs, returnedNs, sets, stableNs: beganNs === 0 ? 0 : NEVER };
    for (const [path, node] of sets) {
      if (node === undefined) this.#live.delete(path);
      else this.#live.set(path, node);
    }
    this.#names.push(change);
    if (beganNs > 0) this.#live.get(dirname(sets.at(-1)?.[0] ?? ''))?.names.push(change);
  }
}

/** Whether a change is there after the cut. */
function survives(change: Change, { atNs, unsynced, chance }: PowerCut): boolean {
  if (change.beganNs > atNs) return false;
  if (change.stableNs <= atNs) return true;
  if (unsynced === 'by chance') return chance() < 0.5;
  return unsynced === 'kept' && change.returnedNs <= atNs;
}

function survivorOf(node: Node, cut: PowerCut): Survivor {
  const pages = new Map<number, Buffer>();
  let sizeBytes = 0;
  /** Pages of which a change was lost: later ones are lost with it, because a page is written whole. */
  const lost = new Set<number>();
  for (const change of node.changes) {
    if (change.beganNs > cut.atNs) continue;
    const stable = change.stableNs <= cut.atNs;
    if (change.octets === 'cut off') {
      if (!survives(change, cut)) continue;
      cutOff(pages, change.position);
      sizeBytes = change.position;
      continue;
    }
    const { position, length, octets } = change;
    for (let at = position; at < position + length; ) {
      const page = Math.floor(at / PAGE);
      const end = Math.min((page + 1) * PAGE, position + length);
      if (stable || (!lost.has(page) && survives(change, cut))) {
        sizeBytes = Math.max(sizeBytes, end);
        overwrite(
          pages,
          page,
          at - page * PAGE,
          octets === 'zeros' ? end - at : octets.subarray(at - position, end - position),
        );
      } else lost.add(page);
      at = end;
    }
  }
  return { pages, sizeBytes };
}

/** Puts octets, or so many zeros, into a page; a page of zeros alone is none. */
function overwrite(pages: Map<number, Buffer>, number: number, at: number, octets: Buffer | number): void {
  let page = pages.get(number);
  if (typeof octets === 'number') {
    page?.fill(0, at, at + octets);
    return;
  }
  if (page === undefined) {
    page = Buffer.alloc(PAGE);
    pages.set(number, page);
  }
  octets.copy(page, at);
}

function cutOff(pages: Map<number, Buffer>, sizeBytes: number): void {
  for (const [number, page] of pages) {
    if (number * PAGE >= sizeBytes) pages.delete(number);
    else if ((number + 1) * PAGE > sizeBytes) page.fill(0, sizeBytes - number * PAGE);
  }
}

function writeFile(path: string, { pages, sizeBytes }: Survivor): void {
  const descriptor = openSync(path, 'w', 0o600);
  try {
    for (const [number, page] of pages) writeSync(descriptor, page, 0, PAGE, number * PAGE);
    ftruncateSync(descriptor, sizeBytes);
  } finally {
    closeSync(descriptor);
  }
}
