import type { Command } from 'commander';
import type { CliSession } from '../session.ts';

/** settings. */
export function settingsCommands(root: Command, _session: CliSession): void {
  root.command('settings');
}
