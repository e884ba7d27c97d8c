import type { Random } from '../../world/ports/random.ts';

/** The items in an order by chance, each order as likely as another. */
export function shuffled<T>(items: readonly T[], random: Pick<Random, 'fraction'>): T[] {
  return byChance(items, () => 1, random);
}

/**
 * The items in an order by chance in which an item of twice the weight comes first twice as often (Efraimidis and Spirakis 2006).
 * Items of weight 0 come after all others.
 */
export function byChance<T>(items: readonly T[], weightOf: (item: T) => number, random: Pick<Random, 'fraction'>): T[] {
  if (items.length <= 1) return [...items];
  const drawn = items.map((item) => {
    const weight = weightOf(item);
    const draw = -Math.log(1 - random.fraction());
    return { item, spare: weight <= 0, at: weight <= 0 ? draw : draw / weight };
  });
  drawn.sort((a, b) => Number(a.spare) - Number(b.spare) || a.at - b.at);
  return drawn.map(({ item }) => item);
}

/** The items grouped by preference, lowest first, each group put in order by `arrange`. */
export function byPreference<T extends { readonly preference: number }>(
  items: readonly T[],
  arrange: (group: readonly T[]) => readonly T[],
): T[] {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(item.preference);
    if (group === undefined) groups.set(item.preference, [item]);
    else group.push(item);
  }
  return [...groups.keys()].sort((a, b) => a - b).flatMap((preference) => arrange(groups.get(preference) ?? []));
}
