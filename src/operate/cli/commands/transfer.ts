import { Argument, Option, type Command } from 'commander';
import { transferModes, type TransferState, transferWords } from '../../transfer/state.ts';
import { exitCodes } from '../exit-codes.ts';
import { type CliSession, globals } from '../session.ts';
import { count, plain, showSpan, showTime } from '../text.ts';
import { parseAge } from './queue.ts';

/** What the service answers about its transfer mode. */
export interface TransferShown extends TransferState {
  readonly meaning: string;
  readonly waiting: number;
  readonly nowMs: number;
  readonly missing: readonly string[];
}

function printTransferMode(session: CliSession, shown: TransferShown): void {
  const { mode, meaning, sinceMs, untilMs, reason, waiting, nowMs } = shown;
  const line = `Transfer mode ${mode}: ${meaning}.`;
  session.print(mode === 'both' ? line : session.paint('yellow', line));
  if (mode !== 'both') {
    session.print(`  since   ${showTime(sinceMs)} (${showSpan(Math.max(0, nowMs - sinceMs))})`);
    session.print(`  until   ${untilMs === undefined ? 'ordered otherwise: ims transfer both' : showTime(untilMs)}`);
    if (reason !== '') session.print(`  reason  ${plain(reason)}`);
  }
  session.print(`  waits   ${count(waiting, 'message')}`);
  for (const one of shown.missing)
    session.io.stderr.write(`${session.paint('yellow', `Not told yet, and told again: ${one}`, session.io.stderr)}\n`);
}

interface TransferOptions {
  readonly for?: number;
  readonly reason?: string;
}

/** transfer. */
export function transferCommands(root: Command, session: CliSession): void {
  const modes = transferModes.map((mode) => `  ${mode.padEnd(5)} ${transferWords[mode]}`).join('\n');
  root
    .command('transfer')
    .description('show or order whether mail is taken and sent; kept over restarts')
    .addArgument(new Argument('[mode]', 'what is to be in force; without it what is, is shown').choices(transferModes))
    .addOption(new Option('--for <time>', 'how long, such as 30m or 2h; then both again').argParser(parseAge))
    .addOption(new Option('--reason <text>', 'your own words, shown by status and events'))
    .addHelpText(
      'after',
      `
Modes:
${modes}

What is not taken is answered 421 4.3.2 to MAIL: senders go to another host, or keep it and try again.
Mail that waits keeps its clocks: what expires is returned, and who waits long is told.
While the mode is not both, ims status says so, and an event every hour.

Examples:
  ims transfer
  ims transfer in --for 2h --reason 'the link is mended'
  ims transfer none
  ims transfer both`,
    )
    .action(async (mode: string | undefined, _options: unknown, command: Command) => {
      const { json, for: forMs, reason } = globals<TransferOptions>(command);
      if (mode === undefined && (forMs !== undefined || reason !== undefined))
        return session.fail(exitCodes.usage, '--for and --reason go with a mode: ims transfer in --for 2h', command);
      if (mode === 'both' && forMs !== undefined)
        return session.fail(
          exitCodes.usage,
          'the mode both lasts until another is ordered; it takes no --for',
          command,
        );
      const shown =
        mode === undefined
          ? await session.ask<TransferShown>(command, 'transfer.show', {})
          : await session.ask<TransferShown>(command, 'transfer.order', { mode, forMs, reason });
      if (shown === undefined) return;
      if (json === true) session.json(shown);
      else printTransferMode(session, shown);
    });
}
