import type { Reply } from '../../../mail/reply.ts';
import type { Parsed } from '../grammar/parameters.ts';
import { commandLineMax } from '../limits.ts';
import type { Phase, Session } from './session.ts';

/** A row of the command table, one in each file of `verbs/`. */
export interface CommandRow<A> {
  readonly verb: string;
  /** Where it may be said; elsewhere it is a bad sequence (RFC 5321 §4.1.4). */
  readonly phases: readonly Phase[];
  /** Octets of its line with CRLF, where its parameters allow more than 512. */
  readonly lineMax?: number;
  /** 'group': its reply may wait for the following ones (RFC 2920 §3.1). 'idle': it brings no mail further. */
  readonly nature?: 'group' | 'idle';
  /** Whether it may be said before a TLS that is required (RFC 3207 §4). */
  readonly inClear?: boolean;
  /** Whether it needs a login where one is required (RFC 4954 §6). */
  readonly needsLogin?: boolean;
  parse(argument: string, session: Session): Parsed<A>;
  run(session: Session, value: A): void;
  /** Replaces the plain reply of a refusal: for BDAT, whose octets follow whatever it is answered. */
  refuse?(session: Session, value: A, reply: Reply): void;
}

/** A row with its argument's type closed over. */
export interface Command {
  readonly verb: string;
  readonly phases: readonly Phase[];
  readonly lineMax: number;
  readonly nature: 'group' | 'idle' | undefined;
  readonly inClear: boolean;
  readonly needsLogin: boolean;
  /** Reads the argument and does what it says, unless there is a refusal. */
  perform(session: Session, argument: string, refusal: Reply | undefined): void;
}

/** Makes a row of the table. */
export function command<A>(row: CommandRow<A>): Command {
  return {
    verb: row.verb,
    phases: row.phases,
    lineMax: row.lineMax ?? commandLineMax,
    nature: row.nature,
    inClear: row.inClear ?? false,
    needsLogin: row.needsLogin ?? false,
    perform(session, argument, refusal) {
      if (refusal !== undefined && row.refuse === undefined) return session.reply(refusal);
      const parsed = row.parse(argument, session);
      if (!parsed.ok) return session.reply(parsed.reply);
      if (refusal !== undefined && row.refuse !== undefined) return row.refuse(session, parsed.value, refusal);
      return row.run(session, parsed.value);
    },
  };
}

/** Reads an argument that has to be empty. */
export function noArgument(form: Reply): (argument: string) => Parsed<undefined> {
  return (argument) => (argument === '' ? { ok: true, value: undefined } : { ok: false, reply: form });
}

/** Takes any argument as it is. */
export function anyArgument(argument: string): Parsed<string> {
  return { ok: true, value: argument };
}

/** All phases of a session whose connection was not refused. */
export const anywhere: readonly Phase[] = ['start', 'ready', 'mail', 'rcpt', 'chunks'];
/** Greeted, no transaction open. */
export const between: readonly Phase[] = ['ready'];
