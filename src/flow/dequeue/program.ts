import { errnoOf } from '../../events/fault.ts';
import type { DequeueProgram } from '../../settings/dequeue.ts';
import type { Programs } from '../../world/ports/process.ts';
import { PROGRAM_OUTPUT_BYTES_MAX, PROGRAM_OUTPUT_SHOWN_MAX } from './limits.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** How a program ended. */
export interface ProgramResult {
  readonly ok: boolean;
  /** 'exit code 0'. */
  readonly words: string;
  /** The beginning of what it wrote, in one line. */
  readonly output: string;
}

/** Runs a program without a shell, as the user of this process, with an environment that says what it is run for. */
export async function runProgram(
  programs: Programs,
  { command: [command = '', ...rest], timeout }: DequeueProgram,
  environment: Readonly<Record<string, string>>,
): Promise<ProgramResult> {
  try {
    const end = await programs.run({
      command,
      arguments: rest,
      environment: { PATH, ...environment },
      timeoutMs: timeout,
      outputBytesMax: PROGRAM_OUTPUT_BYTES_MAX,
    });
    const output = inOneLine(end.output);
    if (end.timedOut) return { ok: false, words: `it did not end within ${timeout / 1000} s and was ended`, output };
    if (end.code === undefined) return { ok: false, words: `it was ended by ${end.signal ?? 'a signal'}`, output };
    return { ok: end.code === 0, words: `exit code ${end.code}`, output };
  } catch (error) {
    const why = errnoOf(error) || (error instanceof Error ? error.message : String(error));
    return { ok: false, words: `it cannot be run: ${why}`, output: '' };
  }
}

function inOneLine(text: string): string {
  const line = text
    .trim()
    .replace(/\s*\n\s*/g, ' / ')
    .replace(/[\x00-\x1f\x7f]/g, '?');
  return line.length > PROGRAM_OUTPUT_SHOWN_MAX ? `${line.slice(0, PROGRAM_OUTPUT_SHOWN_MAX)} ...` : line;
}
