import { wayInWords } from '../../../transport/way-words.ts';
import { unreachable } from '../../../base/assert.ts';
import { parseIp } from '../../../base/ip.ts';
import type { Outcome, RemoteHost } from '../../../mail/outcome.ts';
import { printReply, type Reply } from '../../../mail/reply.ts';
import type { ClientPhase, RecipientVerdict } from '../../../protocol/smtp/client/port.ts';
import type { Way } from '../../../transport/port.ts';
import { deliveryReplies } from '../replies.ts';
import type { HostFailure, Target } from './connection.ts';

/** What stands behind a verdict, for the words of its outcome. */
export interface VerdictContext {
  readonly target: Target;
  readonly sizeBytes: number;
  readonly sizeMax: number | undefined;
  readonly dsnOffered: boolean;
  readonly protocol: 'smtp' | 'lmtp';
}

/** The host in words: 'mx.example.com [192.0.2.1]'. */
export function hostInWords(target: Target): string {
  if (target.name === target.address && parseIp(target.address) === undefined && !target.address.startsWith('/'))
    return target.name; // looked up by a proxy
  return target.name === target.address ? `[${target.address}]` : `${target.name} [${target.address}]`;
}

/** What leads to a host, in the words that the scheduler knows the cause by when the way is back. */
export function waysInWords(ways: readonly Way[] = []): string {
  return ways.map((way) => (way === 'direct' ? 'no proxy' : wayInWords(way))).join(' or ');
}

function byInWords({ by = '' }: Target): string {
  return by === '' ? '' : ` by ${by}`;
}

/** The host as an outcome names it: only where the reply is its own, word for word. */
export function remoteOf(target: Target): RemoteHost {
  return { name: target.name, address: target.address };
}

/** The outcome for a recipient whose transaction came to a verdict. */
export function outcomeOf(
  verdict: Exclude<RecipientVerdict, { kind: 'unanswered' }>,
  context: VerdictContext,
): Outcome {
  const remote = remoteOf(context.target);
  switch (verdict.kind) {
    case 'accepted':
      return {
        kind: 'delivered',
        how: context.protocol === 'lmtp' ? 'delivered' : 'relayed', // LMTP is final delivery (RFC 2033 §1)
        dsnPassed: context.dsnOffered,
        reply: verdict.reply,
        remote,
      };
    case 'refused':
      return { kind: verdict.reply.code >= 500 ? 'failed' : 'deferred', reply: verdict.reply, remote };
    case 'impossible':
      return { kind: 'failed', reply: impossible(verdict.lacks, context) };
  }
}

function impossible(lacks: '8BITMIME' | 'BINARYMIME' | 'SMTPUTF8' | 'SIZE', context: VerdictContext): Reply {
  const host = hostInWords(context.target);
  switch (lacks) {
    case '8BITMIME':
      return deliveryReplies.eightBit(host);
    case 'BINARYMIME':
      return deliveryReplies.binary(host);
    case 'SMTPUTF8':
      return deliveryReplies.internationalised(host);
    case 'SIZE':
      return deliveryReplies.tooLarge(host, context.sizeBytes, context.sizeMax ?? 0);
  }
}

/** The outcome for the recipients of a message whose session ended after all of its content had been sent. */
export function maybeDelivered(failure: HostFailure, target: Target): Outcome {
  const by = byInWords(target);
  const why = failure.kind === 'timed-out' ? `no answer${by} came` : `the connection${by} was lost`;
  return { kind: 'deferred', reply: deliveryReplies.maybeDelivered(hostInWords(target), why) };
}

/** The outcome for recipients whom a host could not be asked to take. Never a failure: another try may find it mended. */
export function hostOutcome(failure: HostFailure, target: Target): Outcome {
  const host = hostInWords(target);
  switch (failure.kind) {
    case 'refused': {
      const { reply } = failure;
      if (failure.command === 'AUTH')
        return { kind: 'deferred', reply: deliveryReplies.loginRefused(host, printReply(reply)) };
      if (reply.code >= 400 && reply.code < 500) return { kind: 'deferred', reply, remote: remoteOf(target) };
      return { kind: 'deferred', reply: deliveryReplies.sessionRefused(host, failure.command, printReply(reply)) };
    }
    case 'starttls-refused':
      return { kind: 'deferred', reply: deliveryReplies.tlsRefused(host, printReply(failure.reply)) };
    case 'invalid':
      return {
        kind: 'deferred',
        reply: deliveryReplies.notUnderstood(host, phaseInWords(failure.phase), failure.quote),
      };
    case 'unreachable':
      return { kind: 'deferred', reply: deliveryReplies.notReached(host, failure.why) };
    case 'proxy-failed':
      return { kind: 'deferred', reply: deliveryReplies.proxyFailed(host, failure.why) };
    case 'starttls-missing':
      return { kind: 'deferred', reply: deliveryReplies.tlsMissing(host) };
    case 'tls-failed':
      return { kind: 'deferred', reply: deliveryReplies.tlsFailed(host, failure.why) };
    case 'tls-unverified':
      return { kind: 'deferred', reply: deliveryReplies.tlsUnverified(host, failure.why) };
    case 'auth-missing':
      return { kind: 'deferred', reply: deliveryReplies.loginMissing(host) };
    case 'closed':
      return {
        kind: 'deferred',
        reply: deliveryReplies.connectionLost(host, phaseInWords(failure.phase), byInWords(target)),
      };
    case 'timed-out':
      return {
        kind: 'deferred',
        reply: deliveryReplies.timedOut(host, phaseInWords(failure.phase), byInWords(target)),
      };
    case 'abandoned':
      return { kind: 'deferred', reply: deliveryReplies.contentUnreadable() };
    default:
      return unreachable(failure);
  }
}

function phaseInWords(phase: ClientPhase): string {
  switch (phase) {
    case 'greeting':
      return 'before its greeting';
    case 'hello':
      return 'after EHLO';
    case 'starttls':
    case 'tls':
      return 'while TLS was being agreed on';
    case 'auth':
      return 'after AUTH';
    case 'mail':
      return 'after MAIL FROM';
    case 'recipient':
      return 'after RCPT TO';
    case 'data-start':
      return 'after DATA';
    case 'content':
      return 'while the message was being sent';
    case 'data-end':
      return 'after the end of the message';
    default:
      return 'between messages';
  }
}
