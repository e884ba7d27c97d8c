/** What waits in the queue of the running service. */
import type { QueueRow } from '../../../flow/queue/port.ts';
import type { QueuePage } from '../../actions/queue-look.ts';
import type { Parts } from '../check.ts';
import { attemptsTelling, waitingLookedAt } from '../limits.ts';

/** The oldest deliveries, and how many there are in all; undefined where the service does not tell. */
export async function waitingMail({
  service,
}: Pick<Parts, 'service'>): Promise<{ readonly rows: readonly QueueRow[]; readonly total: number } | undefined> {
  const page = (await service.request('queue.list', { filter: {}, most: waitingLookedAt })) as QueuePage | undefined;
  return page === undefined ? undefined : { rows: page.rows, total: page.total };
}

/** Whether a delivery has been tried in vain. */
export const triedInVain = ({ attempts, held }: QueueRow): boolean => attempts > 0 && !held;

/** The domains that mail waits for at their MX hosts, those first that were tried the most. */
export function waitingDomains(rows: readonly QueueRow[], most: number): readonly string[] {
  const tried = new Map<string, number>();
  for (const { nextHop, attempts } of rows)
    if (nextHop.startsWith('mx:')) tried.set(nextHop.slice(3), Math.max(attempts, tried.get(nextHop.slice(3)) ?? 0));
  return [...tried]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([domain]) => domain);
}

/** Whether a delivery has waited over so many attempts that this tells something. */
export const tellingly = (row: QueueRow): boolean => triedInVain(row) && row.attempts >= attemptsTelling;
