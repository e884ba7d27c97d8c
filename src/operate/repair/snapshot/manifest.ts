/**
 * The form of a snapshot: a directory `<id>` with `manifest.json` and the contents of the files that it keeps, as
 * `files/<number>`. An export is the manifest with the contents inside it.
 */
import { z } from 'zod';

/** The version of snapshots and exports. A newer one is refused by name. */
export const snapshotFormat = 1;

const file = z.strictObject({
  path: z.string().min(1).max(4096),
  kind: z.enum(['file', 'directory', 'socket', 'link', 'other', 'absent']),
  /** What the file is for the service: 'configuration', 'certificate', 'secret' ...; '' where only a repair touches it. */
  use: z.string().max(64),
  uid: z.number().int().optional(),
  gid: z.number().int().optional(),
  mode: z.number().int().min(0).max(0o7777).optional(),
  modifiedMs: z.number().optional(),
  sizeBytes: z.number().optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Number of the stored content; absent where only the outside of the file is kept. */
  stored: z.number().int().min(0).optional(),
  /** The content in base64, in an export. */
  content: z.string().optional(),
});

/** A snapshot as it is written. */
export const snapshotManifest = z.strictObject({
  format: z.number().int(),
  id: z.string().regex(/^[0-9TZ]{8,20}-[a-z0-9-]{1,40}$/),
  takenAtMs: z.number(),
  /** 'record' for a person's, 'repair' for one that a repair took, 'restore', 'migration'. */
  by: z.string().max(40),
  why: z.string().max(500),
  versions: z.record(z.string(), z.string()),
  host: z.record(z.string(), z.string()),
  listeners: z.array(z.string()),
  files: z.array(file),
});
export type SnapshotManifest = z.infer<typeof snapshotManifest>;
export type SnapshotFile = SnapshotManifest['files'][number];

/** A manifest that was read, or why it cannot be used. */
export type ReadManifest =
  | { readonly ok: true; readonly manifest: SnapshotManifest }
  | { readonly ok: false; readonly why: string; readonly newer?: { readonly found: number; readonly known: number } };

/** Reads a manifest or an export. */
export function parseManifest(text: string): ReadManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, why: 'it is no snapshot: it is not JSON' };
  }
  const found = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof found === 'number' && found > snapshotFormat)
    return {
      ok: false,
      why: `it has format ${found}, this version knows formats up to ${snapshotFormat}`,
      newer: { found, known: snapshotFormat },
    };
  const parsed = snapshotManifest.safeParse(value);
  if (parsed.success) return { ok: true, manifest: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, why: `it is damaged at ${issue?.path.join('.') ?? 'its beginning'}: ${issue?.message ?? ''}` };
}
