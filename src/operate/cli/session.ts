import type { Command } from 'commander';
import { askService, isUnreachable, type Unreachable } from '../control/client.ts';
import type { FailureKind } from '../control/frames.ts';
import { trustedFallbacks, untrustedFallback } from '../control/fallback.ts';
import type { ActionEnd } from '../control/server.ts';
import { exitCodes } from './exit-codes.ts';
import { findSocket } from './find-service.ts';
import type { CliIo, TextOutput } from './io.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly config?: string;
  readonly socket?: string;
}

const FAILURE_CODES: Readonly<Record<FailureKind, number>> = {
  usage: exitCodes.usage,
  'not-found': exitCodes.negative,
  'needs-confirmation': exitCodes.negative,
  refused: exitCodes.negative,
  unavailable: exitCodes.failed,
  failed: exitCodes.failed,
};

const ANSI = { red: '31', yellow: '33', green: '32', bold: '1', dim: '2' } as const;

/** One run of the command line: what its commands share. */
export class CliSession {
  readonly io: CliIo;
  /** The exit code; 0 until a command says otherwise. */
  code: number = exitCodes.ok;

  /** Ends what is being waited for, once nobody reads the output any more. */
  endEarly: () => void = () => undefined;
  #outputGone = false;

  constructor(io: CliIo) {
    this.io = io;
    io.stdout.on?.('error', () => {
      this.#outputGone = true;
      this.endEarly();
    });
  }

  get width(): number {
    return this.io.stdout.isTTY === true ? (this.io.stdout.columns ?? 80) : 200;
  }

  /** Colours a text where the output is a terminal and NO_COLOR is not set. */
  paint(colour: keyof typeof ANSI, text: string, output: TextOutput = this.io.stdout): string {
    const off =
      output.isTTY !== true || (this.io.environment['NO_COLOR'] ?? '') !== '' || this.io.environment['TERM'] === 'dumb';
    return off ? text : `\x1b[${ANSI[colour]}m${text}\x1b[0m`;
  }

  print(text: string): void {
    if (this.#outputGone) return;
    this.io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  json(value: unknown): void {
    this.print(JSON.stringify(value, undefined, 2));
  }

  /** Says what went wrong and sets the exit code. */
  fail(code: number, message: string, command?: Command): void {
    this.code = code;
    if (command !== undefined && globals(command).json === true) this.json({ error: message, exitCode: code });
    this.io.stderr.write(`${this.paint('red', 'ims:', this.io.stderr)} ${message}\n`);
  }

  /** Asks the running service; says what is wrong where there is no result. */
  async ask<T>(
    command: Command,
    action: string,
    input: unknown,
    more: { item?(value: unknown): void; cancel?(end: () => void): void; quiet?: boolean } = {},
  ): Promise<T | undefined> {
    const end = await this.tryAsk(command, action, input, more);
    if ('kind' in end) {
      this.unreachable(command, end);
      return undefined;
    }
    return this.result<T>(command, end);
  }

  /** Asks the running service, and leaves to the caller what to do where there is none. */
  async tryAsk(
    command: Command,
    action: string,
    input: unknown,
    more: { item?(value: unknown): void; cancel?(end: () => void): void } = {},
  ): Promise<ActionEnd | Unreachable> {
    const place = await findSocket(this.io, globals(command));
    if (!place.ok) return { kind: 'no-service', path: '', why: place.why };
    const { network } = this.io.world;
    const end = await askService({ network, path: place.path, action, input, ...more });
    if (!isUnreachable(end) || end.kind === 'other-version') return end;
    // While its storage is away, the service answers at another place.
    for (const path of await this.#otherPlaces(place.configuration)) {
      const other = await askService({ network, path, action, input, ...more });
      if (!isUnreachable(other) || other.kind !== 'no-service') return other;
    }
    if (end.kind === 'not-permitted') return end;
    const stranger = await this.#strangersPlace(place.configuration);
    if (stranger !== undefined) return { ...end, why: stranger };
    const start = `Start it with: ims run${place.configuration === undefined ? '' : ` --config ${place.configuration}`}`;
    return { ...end, why: `No service runs: ${end.why} (${end.path}).\n${start}` };
  }

  /** Control sockets of a service that cannot use its own directory, where nobody else can have made them. */
  async #otherPlaces(configuration: string | undefined): Promise<readonly string[]> {
    if (configuration === undefined || this.io.host === undefined) return [];
    const host = await this.io.host();
    return trustedFallbacks(host, configuration);
  }

  /** What to say where another user's service may stand at such a place: its word is not taken unasked. */
  async #strangersPlace(configuration: string | undefined): Promise<string | undefined> {
    if (configuration === undefined || this.io.host === undefined) return undefined;
    const found = await untrustedFallback(await this.io.host(), configuration);
    if (found === undefined) return undefined;
    return `No service runs at its usual place. A service of uid ${found.uid} may run at ${found.directory}, because it cannot use its storage; ask it as that user: setpriv --reuid ${found.uid} --clear-groups ims status --config ${configuration}`;
  }

  /** The result of an action; a failure is said. */
  result<T>(command: Command, end: ActionEnd): T | undefined {
    if (end.ok) return end.result as T;
    const { kind, message, details } = end.error;
    if (globals(command).json === true) this.json({ error: message, kind, details });
    this.fail(FAILURE_CODES[kind], message);
    return undefined;
  }

  /** Says why the service could not be asked. */
  unreachable(command: Command, why: Unreachable): void {
    switch (why.kind) {
      case 'no-service':
        return this.fail(exitCodes.noService, why.why, command);
      case 'not-permitted':
        return this.fail(
          exitCodes.notPermitted,
          `${why.path} may not be used by you; run the command as the user of the service, or as root.`,
          command,
        );
      case 'other-version':
        return this.fail(
          exitCodes.failed,
          `the running service is version ${why.version} and speaks another control protocol; restart it, or use its own ims.`,
          command,
        );
    }
  }
}

/** The options of a command and of all above it. */
export function globals<T = unknown>(command: Command): GlobalOptions & T {
  return command.optsWithGlobals();
}
