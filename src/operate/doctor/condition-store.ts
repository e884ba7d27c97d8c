import { z } from 'zod';
import type { Disk } from '../../world/ports/disk.ts';
import type { Condition } from './condition.ts';
import { evidenceMax } from './limits.ts';

/** The version of the file. */
export const conditionsFormat = 1;

const kept = z.object({
  format: z.literal(conditionsFormat),
  conditions: z.array(
    z.object({
      check: z.string(),
      number: z.number(),
      title: z.string(),
      cause: z.string(),
      cure: z.string(),
      event: z.number().optional(),
      repair: z.string().optional(),
      evidence: z.array(z.object({ what: z.string(), expected: z.string(), seen: z.string() })),
      sinceMs: z.number(),
    }),
  ),
});

/** Where the conditions are kept, so that a restart neither tells them again nor begins them anew. */
export interface ConditionStore {
  load(): Promise<readonly Condition[]>;
  /** Resolves with whether they are on disk. */
  save(conditions: readonly Condition[]): Promise<boolean>;
}

/** Keeps conditions in a file. One that cannot be read, or has another format, counts as none: they are found again. */
export function conditionStore(disk: Pick<Disk, 'readFile' | 'replaceFile'>, path: string): ConditionStore {
  return {
    async load() {
      const bytes = await disk.readFile(path).catch(() => undefined);
      if (bytes === undefined) return [];
      let found: unknown;
      try {
        found = JSON.parse(bytes.toString('utf8'));
      } catch {
        return []; // half a file, or none of ours
      }
      const parsed = kept.safeParse(found);
      return parsed.success ? parsed.data.conditions.map(withoutUndefined) : [];
    },
    async save(conditions) {
      const shortened = conditions.map((one) => ({ ...one, evidence: one.evidence.slice(0, evidenceMax) }));
      return disk
        .replaceFile(path, `${JSON.stringify({ format: conditionsFormat, conditions: shortened })}\n`, 0o600)
        .then(
          () => true,
          () => false, // storage that cannot be written is told of by its own check
        );
    },
  };
}

/** Optional keys are absent, not undefined. */
function withoutUndefined({ event, repair, ...rest }: z.infer<typeof kept>['conditions'][number]): Condition {
  return { ...rest, ...(event === undefined ? {} : { event }), ...(repair === undefined ? {} : { repair }) };
}
