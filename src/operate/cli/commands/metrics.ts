import type { Command } from 'commander';
import type { MetricsResult } from '../../actions/metrics.ts';
import { type CliSession, globals } from '../session.ts';

/** metrics. */
export function metricsCommands(root: Command, session: CliSession): void {
  root
    .command('metrics')
    .description('what the service counts and measures, in the text form of Prometheus')
    .addHelpText(
      'after',
      '\nExamples:\n  ims metrics\n  ims metrics | grep ims_queue\n  ims metrics --json | jq .samples[0]\n\nThe health endpoint (server.health) answers the same to GET /metrics. Names: docs/reference/metrics.md.',
    )
    .action(async (_options: unknown, command: Command) => {
      const result = await session.ask<MetricsResult>(command, 'metrics', {});
      if (result === undefined) return;
      if (globals(command).json === true) session.json(result.samples);
      else session.print(result.text.trimEnd());
    });
}
