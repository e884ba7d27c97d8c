import type { Answer, RecordType, Resolver } from '../../../world/ports/resolver.ts';
import type { Parts } from '../check.ts';

/**
 * The look-ups of one run. Checks that ask the same share one answer, whatever its TTL. `afresh` forgets every no and every failure, which
 * a bad moment may have made, and keeps the records that came: they cannot come by chance, and slow servers need not send them again.
 */
export function runResolver(make: () => Resolver): Parts['resolver'] {
  const records = new Map<string, Answer<RecordType>>();
  const over = (inner: Resolver): Parts['resolver'] => ({
    async query<T extends RecordType>(name: string, type: T): Promise<Answer<T>> {
      const key = `${name.toLowerCase()} ${type}`;
      // What stands under this key was asked for with this type; the map cannot say so.
      const known = records.get(key) as Answer<T> | undefined;
      if (known !== undefined) return known;
      const answer = await inner.query(name, type);
      if (answer.kind === 'records') records.set(key, answer);
      return answer;
    },
    afresh: () => over(make()),
  });
  return over(make());
}
