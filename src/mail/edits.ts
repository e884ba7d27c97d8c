/**
 * A change to content that is stored once as it came: at offset `at` of the original octets, leave out
 * `remove` octets and put `insert` there. A list is sorted by `at`, and its ranges do not overlap.
 */
export interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: Buffer;
}

/** The size in octets of content of `size` octets after the edits. */
export function editedSize(size: number, edits: readonly Edit[]): number {
  return edits.reduce((sum, edit) => sum + edit.insert.length - edit.remove, size);
}

/** One stretch of edited content: inserted octets, or a range [start, end) of the original. */
export type Stretch = { readonly insert: Buffer } | { readonly start: number; readonly end: number };

/** The stretches of the edited content in order; `size` is that of the original. */
export function stretches(size: number, edits: readonly Edit[]): Stretch[] {
  const out: Stretch[] = [];
  let position = 0;
  for (const edit of edits) {
    if (edit.at > position) out.push({ start: position, end: edit.at });
    if (edit.insert.length > 0) out.push({ insert: edit.insert });
    position = edit.at + edit.remove;
  }
  if (position < size) out.push({ start: position, end: size });
  return out;
}

/** Applies the edits to content held in memory. */
export function applyEdits(content: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return content;
  return Buffer.concat(
    stretches(content.length, edits).map((s) => ('insert' in s ? s.insert : content.subarray(s.start, s.end))),
  );
}
