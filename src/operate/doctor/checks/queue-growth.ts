import { type Movement, printMovement } from '../../movement/history.ts';
import { defineCheck, type Parts } from '../check.ts';
import { waitingMail } from '../facts/waiting.ts';
import { growthMessagesMin, growthShareMin, growthWindowMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

/** The next hops that most of the oldest deliveries wait for. */
async function waitsFor(service: Parts['service']): Promise<readonly Evidence[]> {
  const found = await waitingMail({ service });
  const counts = new Map<string, number>();
  for (const { nextHop } of found?.rows ?? []) counts.set(nextHop, (counts.get(nextHop) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([hop, count]) => row(`deliveries to ${hop}, of the oldest ${found?.rows.length ?? 0}`, 'few', String(count)));
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;

/** One burst is no growth: it drains. */
export const queueSteady = defineCheck({
  id: 'queue.growth',
  number: 1004,
  title: 'The queue does not grow all the time',
  why: 'A queue into which more comes than leaves fills its disk or reaches queue.messagesMax in the end; then new mail is refused.',
  needs: ['service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ service }) {
    const answer = await service.ask();
    if (answer.kind === 'not-running') return notApplicable('the service does not run');
    const movement = (await service.request('queue.movement', {})) as Movement | undefined;
    if (movement === undefined) return unknown('the service does not answer: how the queue moves cannot be seen');
    const { course, windowMs, inPerHour, outPerHour } = movement;
    const [oldest = 0] = course;
    const newest = course.at(-1) ?? 0;
    const evidence = [
      row(
        'messages in the queue, in even steps',
        'not ever more',
        course.length === 0 ? 'nothing is known yet' : `${course.join(', ')} over ${minutes(windowMs)}`,
      ),
      row('in and out', 'as much out as in', `${inPerHour} in and ${outPerHour} out per hour`),
    ];
    // What is seen for a few minutes only is no course.
    if (windowMs < growthWindowMs) return healthy(evidence);
    const always = course.length > 1 && course.every((count, at) => at === 0 || count > (course[at - 1] ?? count));
    const growth = newest - oldest;
    if (!always || growth < Math.max(growthMessagesMin, newest * growthShareMin)) return healthy(evidence);
    const ahead = printMovement(movement) ?? '';
    return unhealthy(
      `The queue has grown from ${oldest} to ${newest} messages in ${minutes(windowMs)}, all the time: more comes in than leaves it.${ahead === '' ? '' : ` ${ahead}`}`,
      {
        cure: 'ims doctor --only queue.destinations says why mail waits; ims queue list shows it and whose it is',
        event: 3301,
      },
      [...evidence, ...(await waitsFor(service))],
    );
  },
});
