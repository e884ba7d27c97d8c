import { z } from 'zod';
import { lookAtMetrics } from '../metrics/look.ts';
import { metricsText } from '../metrics/text.ts';
import { defineAction, done } from './action.ts';

/** What the action answers. */
export interface MetricsResult {
  readonly samples: Awaited<ReturnType<typeof lookAtMetrics>>;
  /** The same in the form of Prometheus. */
  readonly text: string;
}

/** Shows what is counted and measured. */
export const metricsAction = defineAction({
  name: 'metrics',
  summary: 'Shows all metrics: what the service counts and measures.',
  changes: false,
  input: z.strictObject({}),
  async run(context) {
    const samples = await lookAtMetrics(context);
    return done({ samples, text: metricsText(samples) } satisfies MetricsResult);
  },
});
