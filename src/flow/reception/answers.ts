/** Answers the questions of a session's machine by asking the rooms that know. */
import type { Reply } from '../../mail/reply.ts';
import { replyKind } from '../../mail/reply.ts';
import type { ForwardedClient } from '../../protocol/smtp/grammar/forwarded.ts';
import type { Answer, Question } from '../../protocol/smtp/server/port.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { RecipientDecision } from '../policy/policy.ts';
import { expandedRecipientsMax, loginFailureDelayMs, loginFailuresMax } from './limits.ts';
import type { Session } from './session.ts';

type MaybeLater<T> = T | Promise<T>;

/** The answer, at once wherever nothing has to be waited for. */
export function answerQuestion(session: Session, question: Question): MaybeLater<Answer> {
  switch (question.about) {
    case 'connection':
      return { reply: session.room.policy.connection(session) ?? replies.ok };
    case 'greeting':
      return { reply: session.room.policy.greeting(session, question.name) ?? replies.ok };
    case 'login':
      return login(session, question.user, question.password);
    case 'sender':
      return toAnswer(sender(session, question));
    case 'recipient':
      return recipient(session, question);
    case 'data':
      return { reply: mailData(session) };
    case 'message':
      return message(session, question);
    case 'client':
      return { reply: client(session, question.client) };
    case 'etrn':
      return toAnswer(session.room.policy.etrn(session, question.argument));
  }
}

/** A client that a trusted host speaks for meets what one meets that comes by itself. */
function client(session: Session, said: ForwardedClient): Reply {
  const { policy } = session.room;
  const greeting = said.helo === undefined || said.helo === '' ? undefined : policy.greeting(session, said.helo);
  const refusal = greeting ?? session.client.becomes(said);
  if (refusal !== undefined) return refusal;
  session.account = said.login === '' ? undefined : said.login;
  return policy.connection(session) ?? replies.ok;
}

function toAnswer(reply: MaybeLater<Reply>): MaybeLater<Answer> {
  return reply instanceof Promise ? reply.then((late) => ({ reply: late })) : { reply };
}

/** Wrong passwords are answered late, and not often: guessing costs time and connections. */
async function login(session: Session, user: string, password: string): Promise<Answer> {
  const { reply, account } = await session.room.policy.login(session, user, password);
  if (account !== undefined) {
    session.account = account;
    return { reply };
  }
  if (replyKind(reply) !== 'permanent') return { reply };
  session.loginFailures += 1;
  await new Promise<void>((resolve) => void session.room.clock.after(loginFailureDelayMs, resolve));
  return { reply: session.loginFailures >= loginFailuresMax ? replies.authTooOften : reply };
}

function sender(session: Session, question: Extract<Question, { about: 'sender' }>): MaybeLater<Reply> {
  const condition = session.room.queue.condition();
  if (!condition.accepting) return condition.reply;
  const { declaredSize } = question;
  if (declaredSize !== undefined && declaredSize > session.room.settings.messageSizeMax) return replies.messageTooBig;
  const begin = (reply: Reply): Reply => {
    if (replyKind(reply) === 'positive') session.beginTransaction(question.envelope);
    return reply;
  };
  const reply = session.room.policy.sender(session, question.envelope);
  return reply instanceof Promise ? reply.then(begin) : begin(reply);
}

function recipient(session: Session, question: Extract<Question, { about: 'recipient' }>): MaybeLater<Answer> {
  const { transaction, onlyDomains } = session;
  if (transaction === undefined) return { reply: replies.badSequence };
  // Who sends what it holds for some domains has not been asked to send anything else.
  if (onlyDomains !== undefined && !onlyDomains.has(question.recipient.mailbox.domain.toLowerCase()))
    return { reply: replies.relayDenied };
  const take = ({ reply, targets }: RecipientDecision): Answer => {
    if (replyKind(reply) !== 'positive') return { reply };
    transaction.targets += targets.length;
    if (transaction.targets > expandedRecipientsMax) {
      transaction.targets -= targets.length;
      return { reply: replies.tooManyRecipients };
    }
    transaction.recipients.push({ recipient: question.recipient, targets });
    return { reply };
  };
  const decision = session.room.policy.recipient(session, transaction.envelope.reversePath, question.recipient);
  return decision instanceof Promise ? decision.then(take) : take(decision);
}

function mailData(session: Session): Reply {
  const condition = session.room.queue.condition();
  if (!condition.accepting) return condition.reply;
  session.transaction?.begin();
  return replies.startMailInput;
}

function message(session: Session, question: Extract<Question, { about: 'message' }>): MaybeLater<Answer> {
  const { transaction } = session;
  if (transaction === undefined) return { reply: replies.badSequence };
  const ended = (reply: Reply): Reply => {
    // The machine ends the transaction with this answer and says nothing more of it.
    if (session.transaction === transaction) session.transaction = undefined;
    return reply;
  };
  const reply = transaction.finish(question.sizeBytes, question.eightBit);
  return toAnswer(reply instanceof Promise ? reply.then(ended) : ended(reply));
}
