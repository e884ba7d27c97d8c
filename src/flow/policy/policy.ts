/**
 * Do we want this? One question per phase of a session, one reply to each. Closed by default: without a login or a network
 * of ours, mail is taken for our own domains and for those we relay for, and for nothing else.
 */
import type { EnvelopeOptions, EnvelopeRecipient } from '../../mail/envelope.ts';
import { domainKey, type Mailbox, type ReversePath } from '../../mail/mailbox.ts';
import { replyKind, type Reply } from '../../mail/reply.ts';
import type { Journal } from '../../events/journal.ts';
import { addressLiteral } from '../../protocol/headers/received.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { PolicySettings } from '../../settings/policy.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { Directory, Resolution } from '../recipients/port.ts';
import { etrnDomain } from './etrn.ts';
import { asksForRelay, isEncapsulated } from './local-part.ts';
import { loginsCalmMin } from './limits.ts';
import { networkTable } from './networks.ts';
import { patternTable } from './patterns.ts';
import { senderChecks, type Examination } from './sender-checks.ts';

/** Who is speaking. */
export interface PolicySession {
  readonly profile: 'mx' | 'submission' | 'lmtp';
  readonly clientAddress: string;
  /** It came in by a gateway: none of our networks holds it, whatever its address. */
  readonly stranger?: boolean | undefined;
  /** Set once logged in. */
  readonly account: string | undefined;
  /** The address of ours that the client speaks to. */
  readonly localAddress?: string;
  readonly greetingName?: string;
  /** The address is that of a front host of ours, not of a client. */
  readonly intermediary?: boolean;
  /** What is being found out about the sender of this transaction. */
  readonly examination?: Examination | undefined;
}

/** A login: the account where it fits. */
export interface LoginDecision {
  readonly reply: Reply;
  readonly account: string | undefined;
}

/** A recipient: the final addresses where it is taken, none where it is refused. */
export interface RecipientDecision {
  readonly reply: Reply;
  readonly targets: readonly Mailbox[];
}

/** What became of a request to deliver the mail that is held for a domain. */
export type EtrnOutcome =
  | { readonly kind: 'started'; readonly messages: number }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unable' };

/** The decisions in the order of a session. Answers that need nobody else come at once. */
export interface Policy {
  /** Whether a client may relay without login. */
  trusts(clientAddress: string): boolean;
  /** The reply in place of the banner, or undefined for welcome. */
  connection(session: PolicySession): Reply | undefined;
  /** The reply that refuses a greeting, or undefined. */
  greeting(session: PolicySession, name: string): Reply | undefined;
  login(session: PolicySession, user: string, password: string): Promise<LoginDecision>;
  sender(session: PolicySession, envelope: EnvelopeOptions): Reply | Promise<Reply>;
  /** Begins to find out about a sender that was accepted: of strangers, where the settings ask for it. */
  examine(session: PolicySession, envelope: EnvelopeOptions): Examination | undefined;
  recipient(
    session: PolicySession,
    reversePath: ReversePath,
    recipient: EnvelopeRecipient,
  ): RecipientDecision | Promise<RecipientDecision>;
  etrn(session: PolicySession, argument: string): Reply | Promise<Reply>;
}

/** What policy is made of. */
export interface PolicyOptions {
  readonly settings: PolicySettings;
  readonly directory: Directory;
  readonly journal: Journal;
  readonly clock?: Pick<Clock, 'now' | 'wall' | 'after'>;
  readonly serverName?: string;
  /** Asked for MX records of senders, where `refuseNullMxSenders` says so, and by the checks of senders. */
  readonly resolver?: Pick<Resolver, 'query'>;
  /** Whether a rule of routing has a way for a recipient, so that its domain need not be one of the DNS. */
  readonly hasRoute?: (recipient: Mailbox, reversePath: ReversePath) => boolean;
  /** Starts the delivery of mail held for a domain. */
  readonly etrn?: (domain: string) => EtrnOutcome | Promise<EtrnOutcome>;
}

const refuse = (reply: Reply): RecipientDecision => ({ reply, targets: [] });
const NAME_MAX = 255;
const POSTMASTER = 'postmaster';

/** Makes the room. One per worker and configuration. */
export function createPolicy(options: PolicyOptions): Policy {
  const { settings, directory, journal } = options;
  const blockedNetworks = networkTable(settings.blockedNetworks);
  const localNetworks = networkTable(settings.localNetworks);
  const etrnHosts = networkTable(settings.etrn.hosts);
  const blockedSenders = patternTable(settings.blockedSenders);
  const allowed = settings.remoteDomainsAllowed === undefined ? undefined : patternTable(settings.remoteDomainsAllowed);
  for (const table of [blockedNetworks, localNetworks, etrnHosts]) {
    for (const network of table.unreadable) journal.emit('policy.network-unreadable', { network });
  }

  const trusts = (clientAddress: string): boolean => {
    const local = localNetworks.match(clientAddress);
    if (local === undefined) return false;
    const blocked = blockedNetworks.match(clientAddress);
    return blocked === undefined || blocked.prefix < local.prefix;
  };

  const isOurs = (session: PolicySession): boolean => session.stranger !== true && trusts(session.clientAddress);

  const connection = (session: PolicySession): Reply | undefined => {
    // A front host of ours is never banned: all clients behind it would be.
    if (session.intermediary === true) return undefined;
    const blocked = blockedNetworks.match(session.clientAddress);
    // The most specific network wins: an exception within a blocked network is a network of ours.
    if (blocked === undefined || isOurs(session)) return undefined;
    journal.emit('policy.client-blocked', { client: session.clientAddress, network: blocked.network });
    return replies.connectionRefused;
  };

  let loginsWell = true;
  /** Logins in a row that were checked. */
  let loginsCalm = 0;
  const login = async (session: PolicySession, user: string, password: string): Promise<LoginDecision> => {
    const verdict = await directory.login(user, password);
    loginsCalm = verdict.kind === 'unavailable' ? 0 : loginsCalm + 1;
    if (loginsCalm >= loginsCalmMin) loginsWell = true;
    if (verdict.kind === 'accepted') return { reply: replies.authSucceeded, account: verdict.account };
    if (verdict.kind === 'unavailable') {
      const trouble = { client: session.clientAddress, why: verdict.why };
      if (loginsWell) journal.emit('policy.login-unavailable', trouble);
      loginsWell = false;
      journal.emit('policy.login-put-off', trouble);
      return { reply: replies.authTemporary, account: undefined };
    }
    journal.emit('policy.login-refused', { client: session.clientAddress, account: user });
    return { reply: replies.authFailed, account: undefined };
  };

  /** Strangers only: what our own users and networks send is ours to answer for. */
  const hasNullMx = async (domain: string, resolver: Pick<Resolver, 'query'>): Promise<boolean> => {
    const answer = await resolver.query(domainKey(domain), 'MX');
    return (
      answer.kind === 'records' && answer.records.length > 0 && answer.records.every(({ exchange }) => exchange === '')
    );
  };

  const sender = (session: PolicySession, envelope: EnvelopeOptions): Reply | Promise<Reply> => {
    const { reversePath } = envelope;
    if (
      settings.refuseNullMxSenders &&
      options.resolver !== undefined &&
      reversePath !== null &&
      session.profile === 'mx'
    ) {
      const { domain } = reversePath;
      if (!domain.startsWith('[') && !directory.isLocalDomain(domain) && !isOurs(session)) {
        return hasNullMx(domain, options.resolver).then((none) =>
          none ? replies.senderNullMx : replies.senderAccepted,
        );
      }
    }
    if (session.account !== undefined && reversePath !== null && !directory.maySendAs(session.account, reversePath)) {
      return replies.senderNotYours;
    }
    // A blocked sender is refused at RCPT only, because even it may write to postmaster (RFC 5321 §4.5.1).
    return replies.senderAccepted;
  };

  /** Whether mail may leave for all of the final addresses; the domain that stops it otherwise. */
  const forbidden = (targets: readonly Mailbox[]): string | undefined =>
    allowed === undefined
      ? undefined
      : targets.find(
          ({ domain }) =>
            domain !== '' && !directory.isLocalDomain(domain) && allowed.matchDomain(domain) === undefined,
        )?.domain;

  const begin = senderChecksOf(options);
  const examine = (session: PolicySession, { reversePath }: EnvelopeOptions): Examination | undefined => {
    if (begin === undefined || session.profile !== 'mx' || session.account !== undefined) return undefined;
    if (session.intermediary === true || isOurs(session)) return undefined;
    const { clientAddress, greetingName = '' } = session;
    return begin({ clientAddress, greetingName, reversePath });
  };

  const accept = (targets: readonly Mailbox[]): RecipientDecision => {
    const domain = forbidden(targets);
    return domain === undefined
      ? { reply: replies.recipientAccepted, targets }
      : refuse(replies.domainNotAllowed(domain));
  };

  /** RFC 6409 §4.2: a name of one label is nobody's in the DNS; here a rule of routing may know it. */
  const qualified = (session: PolicySession, mailbox: Mailbox, reversePath: ReversePath): boolean => {
    const { domain } = mailbox;
    if (session.profile !== 'submission' || domain.includes('.') || domain.startsWith('[')) return true;
    return directory.isRelayDomain(domain) || options.hasRoute === undefined || options.hasRoute(mailbox, reversePath);
  };

  const remoteRecipient = (session: PolicySession, mailbox: Mailbox, reversePath: ReversePath): RecipientDecision => {
    if (session.profile === 'lmtp') return refuse(replies.relayDenied);
    if (session.account !== undefined || isOurs(session)) {
      return qualified(session, mailbox, reversePath) ? accept([mailbox]) : refuse(replies.recipientNotQualified);
    }
    if (!directory.isRelayDomain(mailbox.domain) || asksForRelay(mailbox)) return refuse(replies.relayDenied);
    return accept([mailbox]);
  };

  let directoryWell = true;
  const trouble = (why: string): void => {
    if (directoryWell) journal.emit('policy.directory-unavailable', { why });
    directoryWell = false;
  };

  const resolved = (mailbox: Mailbox, resolution: Resolution): RecipientDecision => {
    if (resolution.kind !== 'unavailable') directoryWell = true;
    switch (resolution.kind) {
      case 'ours':
        return accept(resolution.targets);
      case 'unknown':
        return refuse(replies.recipientUnknown);
      case 'disabled':
        return refuse(resolution.why === '' ? replies.mailboxDisabled : replies.mailboxDisabledBecause(resolution.why));
      case 'broken':
        return refuse(replies.aliasBroken);
      case 'remote':
        // A local domain whose unknown recipients live on another system (a shared name space).
        return accept([mailbox]);
      case 'unavailable':
        trouble(resolution.why);
        return refuse(replies.recipientTemporary);
    }
  };

  const recipient = (
    session: PolicySession,
    reversePath: ReversePath,
    { mailbox }: EnvelopeRecipient,
  ): RecipientDecision | Promise<RecipientDecision> => {
    const local = mailbox.domain === '' || directory.isLocalDomain(mailbox.domain);
    const ask = (): Promise<RecipientDecision> =>
      directory.resolve(mailbox).then((resolution) => resolved(mailbox, resolution));
    const wanted = (): RecipientDecision | Promise<RecipientDecision> => {
      if (blockedSenders.size > 0 && reversePath !== null && blockedSenders.matchMailbox(reversePath) !== undefined) {
        return refuse(replies.senderRefused);
      }
      if (!local) return remoteRecipient(session, mailbox, reversePath);
      if (!asksForRelay(mailbox)) return ask();
      // To a gateway of old an encapsulated address is a name like any other, and nobody here has it.
      return refuse(isEncapsulated(mailbox) ? replies.recipientUnknown : replies.relayDenied);
    };
    const ordinary = (): RecipientDecision | Promise<RecipientDecision> => {
      const decision = wanted();
      const refusal = session.examination?.refusal;
      if (refusal === undefined) return decision;
      return decision instanceof Promise ? decision.then((one) => examined(one, refusal)) : examined(decision, refusal);
    };
    if (mailbox.localPart.length !== POSTMASTER.length || mailbox.localPart.toLowerCase() !== POSTMASTER)
      return ordinary();
    // Ours takes mail from anybody (RFC 5321 §4.5.1), also under the name of this host, which need not be a domain of ours.
    if (local) return ask();
    // An address literal of ours is this host by another name (RFC 5321 §2.3.5).
    const own = addressLiteral(session.localAddress ?? '')?.toLowerCase() === mailbox.domain;
    return directory
      .resolve(own ? { localPart: mailbox.localPart, domain: '' } : mailbox)
      .then((resolution) => (resolution.kind === 'remote' ? ordinary() : resolved(mailbox, resolution)));
  };

  const etrn = (session: PolicySession, argument: string): Reply | Promise<Reply> => {
    const domain = etrnDomain(argument);
    if (domain === undefined) return replies.syntax('ETRN domain');
    if (
      session.stranger === true ||
      etrnHosts.match(session.clientAddress) === undefined ||
      !directory.isRelayDomain(domain)
    )
      return replies.etrnNotAllowed;
    const outcome = options.etrn?.(domain) ?? ({ kind: 'unable' } as const);
    return outcome instanceof Promise ? outcome.then(etrnReply) : etrnReply(outcome);
  };

  return {
    trusts,
    connection,
    greeting: (_session, name) =>
      name.length > NAME_MAX || /[\x00-\x1f\x7f]/.test(name) ? replies.greetingRefused : undefined,
    login,
    sender,
    examine,
    recipient,
    etrn,
  };
}

/** Whoever is refused anyway need not wait for what is found out about its sender. */
function examined(
  decision: RecipientDecision,
  refusal: NonNullable<Examination['refusal']>,
): RecipientDecision | Promise<RecipientDecision> {
  if (replyKind(decision.reply) !== 'positive') return decision;
  return refusal.then((found) => {
    found?.tell();
    return found === undefined ? decision : refuse(found.reply);
  });
}

function senderChecksOf({
  settings,
  journal,
  resolver,
  clock,
  serverName = '',
}: PolicyOptions): ReturnType<typeof senderChecks> {
  if (resolver === undefined || clock === undefined) return undefined;
  return senderChecks({ settings, journal, resolver, clock, serverName });
}

function etrnReply(outcome: EtrnOutcome): Reply {
  switch (outcome.kind) {
    case 'started':
      return outcome.messages > 0 ? replies.etrnPending(outcome.messages) : replies.etrnStarted;
    case 'nothing':
      return replies.etrnNothing;
    case 'unable':
      return replies.etrnUnable;
  }
}
