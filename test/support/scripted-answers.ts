import { printMailbox, printPath } from '../../src/mail/mailbox.ts';
import type { EnvelopeRecipient } from '../../src/mail/envelope.ts';
import type { Reply } from '../../src/mail/reply.ts';
import { replies } from '../../src/protocol/smtp/replies.ts';
import type { Answer, Question } from '../../src/protocol/smtp/server/port.ts';
import type { ScriptedAnswer } from './transcript.ts';

/** The password that scripted logins take. */
export const scriptedPassword = 'secret';

/** Answers questions as a transcript says, and otherwise yes. */
export class ScriptedAnswers {
  readonly #answers: readonly ScriptedAnswer[];
  readonly #perRecipient: boolean;
  #recipients: readonly EnvelopeRecipient[] = [];
  #messages = 0;

  constructor(answers: readonly ScriptedAnswer[], perRecipient: boolean) {
    this.#answers = answers;
    this.#perRecipient = perRecipient;
  }

  to(question: Question): Answer {
    switch (question.about) {
      case 'connection':
        return { reply: this.#find(question.about, '*') ?? replies.ok };
      case 'greeting':
        return { reply: this.#find(question.about, question.name) ?? replies.ok };
      case 'login': {
        const usual = question.password === scriptedPassword ? replies.authSucceeded : replies.authFailed;
        return { reply: this.#find(question.about, question.user) ?? usual };
      }
      case 'sender':
        return {
          reply: this.#find(question.about, printPath(question.envelope.reversePath)) ?? replies.senderAccepted,
        };
      case 'recipient':
        return {
          reply: this.#find(question.about, printMailbox(question.recipient.mailbox)) ?? replies.recipientAccepted,
        };
      case 'data':
        this.#recipients = question.recipients;
        return { reply: this.#find(question.about, '*') ?? replies.ok };
      case 'message': {
        this.#messages += 1;
        const usual = replies.accepted(String(this.#messages));
        if (!this.#perRecipient) return { reply: this.#find(question.about, '*') ?? usual };
        return {
          replies: this.#recipients.map(({ mailbox }) => this.#find(question.about, printMailbox(mailbox)) ?? usual),
        };
      }
      case 'client':
        return { reply: replies.ok };
      case 'etrn':
        return { reply: this.#find(question.about, question.argument) ?? replies.etrnStarted };
    }
  }

  #find(about: Question['about'], who: string): Reply | undefined {
    return this.#answers.find((answer) => answer.about === about && (answer.who === '*' || answer.who === who))?.reply;
  }
}
