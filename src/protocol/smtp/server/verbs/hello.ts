/** HELO, EHLO and LHLO (RFC 5321 §4.1.1.1, RFC 2033 §4.1). */
import { replyKind } from '../../../../mail/reply.ts';
import { replies } from '../../replies.ts';
import { domainMax } from '../../limits.ts';
import { anywhere, command, type Command } from '../command.ts';
import { extensions } from '../extensions.ts';
import type { Session } from '../session.ts';

/** What a greeting may say. More than RFC 5321 §4.1.2 allows, since many clients know no proper name of theirs, but nothing that a Received field could misread. */
const NAME = /^[^\s()<>@,;\\"\x7f-\uffff]+$/;

function hello(verb: 'HELO' | 'EHLO' | 'LHLO'): Command {
  const form = replies.syntax(`${verb} name`);
  return command({
    verb,
    phases: anywhere,
    nature: 'idle',
    inClear: true,
    parse(argument, { offer }) {
      if ((offer.profile === 'lmtp') !== (verb === 'LHLO'))
        return { ok: false, reply: verb === 'LHLO' ? replies.unknownCommand : replies.lhloOnly };
      const valid = argument.length <= domainMax && NAME.test(argument);
      return valid ? { ok: true, value: argument } : { ok: false, reply: form };
    },
    run(session, name) {
      session.ask({ about: 'greeting', verb, name }, ([reply]) => {
        if (replyKind(reply) !== 'positive') return session.reply(reply);
        session.abandon('reset');
        session.phase = 'ready';
        session.greetingName = name;
        session.extended = verb !== 'HELO';
        session.reply(replies.hello(greetingLines(session)));
      });
    },
  });
}

function greetingLines(session: Session): string[] {
  return [session.offer.hostName, ...(session.extended ? extensions(session) : [])];
}

export const helo = hello('HELO');
export const ehlo = hello('EHLO');
export const lhlo = hello('LHLO');
