/**
 * What is added to a message before it is queued: the Received field (RFC 5321 §4.4), and for our own users the fields
 * a message must have (RFC 6409 §8). The content itself stays as it came; everything is an edit.
 */
import type { Edit } from '../../mail/edits.ts';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import { domainKey, needsSmtpUtf8, printMailbox } from '../../mail/mailbox.ts';
import type { ReversePath } from '../../mail/mailbox.ts';
import { expandedHop, type SchedulingClass } from '../../mail/next-hop.ts';
import type { Reply } from '../../mail/reply.ts';
import type { ForwardedFrom, SenderCheck } from '../../mail/sender-check.ts';
import {
  authenticationResults,
  authenticationResultsField,
  authservId,
} from '../../protocol/headers/authentication-results.ts';
import { dateCache } from '../../protocol/headers/date.ts';
import { receivedSpfField } from '../../protocol/headers/received-spf.ts';
import { protocolName, receivedField } from '../../protocol/headers/received.ts';
import { HeaderScanner, fieldValue } from '../../protocol/headers/scanner.ts';
import type { HeaderExcess, HeaderField } from '../../protocol/headers/scanner.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { ReceptionSettings } from '../../settings/reception.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { TlsFacts } from '../../world/ports/network.ts';
import type { NewDelivery, NewMessage } from '../queue/port.ts';
import type { Router } from '../routing/port.ts';
import { expand, groupByNextHop } from './deliveries.ts';
import type { AcceptedRecipient } from './deliveries.ts';
import { forwardedFrom, hasPassed, markField } from './forwarding.ts';
import { messageIdMax } from './limits.ts';
import { ArrivingBody, fromDomain, leavingFields, type Signed, type Signer } from './signing.ts';
import { signedFields, type SignedField } from '../../protocol/dkim-signing/signature.ts';
import { classFields, schedulingClass } from './scheduling-class.ts';

/** Fields that leave a submitted message: blind recipients (RFC 5322 §3.6.3) and what only final delivery may add (RFC 5321 §4.4). */
const REMOVED = new Set(['bcc', 'resent-bcc', 'return-path']);

const NOTHING = Buffer.alloc(0);

/** Changes addresses of ours into those the world knows; the fields are those of `rewrittenFields` in the header. */
export type Rewrite = (
  envelope: EnvelopeOptions,
  fields: readonly HeaderField[],
) => { readonly reversePath: ReversePath; readonly edits: readonly Edit[] };

/** What preparation needs to know about the session that brings a message. */
export interface SessionOrigin {
  readonly profile: 'mx' | 'submission' | 'lmtp';
  readonly clientAddress: string;
  /** Its host name, where a trusted host told it. */
  readonly clientName?: string;
  /** It came in by a gateway. */
  readonly stranger?: boolean | undefined;
  readonly greetingName: string;
  readonly extended: boolean;
  readonly tls: TlsFacts | undefined;
  /** The client's TLS ended at a trusted proxy, which tells it. */
  readonly tlsToProxy?: TlsFacts | undefined;
  /** The name that the client knows us by, where it is not that of the server. */
  readonly hostName?: string | undefined;
  readonly account: string | undefined;
  /** Who brought the mail to a trusted host that passes it on. */
  readonly forwarded?: ForwardedFrom | undefined;
}

/** A transaction at its end of data. */
export interface ArrivedMessage {
  /** The transaction's own id: stands in the Received field, because the queue-id is known at commit only. */
  readonly id: string;
  readonly origin: SessionOrigin;
  readonly envelope: EnvelopeOptions;
  readonly recipients: readonly AcceptedRecipient[];
  readonly header: HeaderScanner;
  readonly sizeBytes: number;
  readonly eightBit: boolean;
  /** What was found out about the sender; undefined where nothing was asked. */
  readonly checks?: readonly SenderCheck[];
  /** Its body, where `Preparation.body` gave one. */
  readonly body?: ArrivingBody | undefined;
}

/** A message ready for the queue, or the reason why not. */
export type Prepared =
  | {
      readonly kind: 'ready';
      readonly message: NewMessage;
      /** The WITH clause of its Received field. */
      readonly protocol: string;
      /** The message as it shall be queued, where it is signed first. Never rejects. */
      readonly signed?: Promise<{ readonly message: NewMessage; readonly by: Signed['by'] }>;
    }
  | { readonly kind: 'refused'; readonly why: HeaderExcess | 'loop'; readonly reply: Reply };

type Ready = Extract<Prepared, { kind: 'ready' }>;

/** The room as reception sees it. */
export interface Preparation {
  /** The reader of a transaction's header; feed it the content as it streams by. */
  scanner(origin: SessionOrigin): HeaderScanner;
  /** Where a message of this origin may be signed: feed it the content after its scanner. */
  body(origin: SessionOrigin, header: HeaderScanner): ArrivingBody | undefined;
  prepare(arrived: ArrivedMessage): Prepared;
}

/** What preparation is made of. */
export interface PreparationOptions {
  readonly serverName: string;
  readonly reception: Pick<ReceptionSettings, 'headerSizeMax' | 'hopsMax'>;
  /** Age at which mail of a class is returned. */
  readonly expiryMs: Readonly<Record<SchedulingClass, number>>;
  readonly router: Pick<Router, 'nextHop'>;
  readonly clock: Pick<Clock, 'wall'>;
  readonly rewrite?: Rewrite;
  /** Whether checks of SPF stand in Received-SPF fields too. */
  readonly receivedSpf?: boolean;
  /** Signs what our users send; absent where no domain has a key. */
  readonly signer?: Pick<Signer, 'keysOf' | 'sign'> | undefined;
  /** Whether a client may relay without login: its mail is signed like that of our users. */
  readonly trusts?: (clientAddress: string) => boolean;
}

/** Names in lower case of the fields that address rewriting sees. */
export const rewrittenFields = ['from', 'sender', 'reply-to'] as const;

/** The reply to a header that is too much. */
export function excessReply(excess: HeaderExcess): Reply {
  return excess === 'hops' ? replies.hopCountExceeded : replies.headerTooBig;
}

function messageIdOf(header: HeaderScanner): string {
  const field = header.first('message-id');
  if (field === undefined) return '';
  const value = fieldValue(field);
  const open = value.indexOf('<');
  const close = value.indexOf('>', open + 1);
  return (open !== -1 && close !== -1 ? value.slice(open + 1, close) : value).slice(0, messageIdMax);
}

/** Whether any recipient is beyond the mailboxes of this host. */
const leaves = (deliveries: readonly NewDelivery[]): boolean => deliveries.some(({ nextHop }) => nextHop !== 'local');

/** Fields that we wrote, one a line. */
const linesOf = (text: string): SignedField[] =>
  (text.match(/[^\n]+\n/g) ?? []).map((line) => ({
    name: line.slice(0, line.indexOf(':')).toLowerCase(),
    octets: Buffer.from(line, 'utf8'),
  }));

const domainOf = (account: string | undefined): string | undefined => account?.slice(account.lastIndexOf('@') + 1);

const needsEightBit = (text: string): boolean => /[^\x00-\x7f]/.test(text);

/** Makes the room. One per worker. */
export function createPreparation(options: PreparationOptions): Preparation {
  const { serverName, router, clock, rewrite } = options;
  const date = dateCache();
  const limits = { headerSizeMax: options.reception.headerSizeMax, hopsMax: options.reception.hopsMax };
  const serverKey = serverName.toLowerCase();
  const always = [
    'message-id',
    markField,
    authenticationResults,
    ...classFields,
    ...(rewrite === undefined ? [] : rewrittenFields),
  ];
  const relayed = { ...limits, keep: new Set<string>(always) };
  const submitted = { ...limits, keep: new Set<string>([...always, ...REMOVED]) };
  const { signer } = options;
  const fieldBytesMax = limits.headerSizeMax;
  const signing = (one: typeof relayed) => ({ ...one, keep: new Set([...one.keep, ...signedFields]), fieldBytesMax });
  const [relayedSigned, submittedSigned] = [signing(relayed), signing(submitted)];

  /** Only those who may send for our domains: what passes by here from elsewhere is nobody's word but its sender's. */
  const maySign = ({ profile, account, stranger, clientAddress, forwarded }: SessionOrigin): boolean =>
    signer !== undefined &&
    profile !== 'lmtp' &&
    (account !== undefined ||
      (stranger !== true &&
        (forwarded === undefined || forwarded.address === '' || forwarded.source === 'LOCAL') &&
        options.trusts?.(clientAddress) === true));

  /** The message with its signatures on top (RFC 6376 §5.6). Who sends by login signs only as the domain that the login covers. */
  const signedMessage = (arrived: ArrivedMessage, message: NewMessage, missing: string): Ready['signed'] => {
    const bodyHash = arrived.body?.digest();
    const kept = leavingFields(arrived.header.fields, message.edits.slice(1));
    if (signer === undefined || bodyHash === undefined || kept === undefined) return undefined;
    const fields = [...linesOf(missing), ...kept];
    const domain = fromDomain(fields);
    const { account } = arrived.origin;
    const own = [message.envelope.reversePath?.domain, arrived.envelope.reversePath?.domain, domainOf(account)];
    const isOwn = account === undefined || own.some((one = '') => domainKey(one) === domainKey(domain ?? ''));
    if (domain === undefined || !isOwn) return undefined;
    const keys = signer.keysOf(domain);
    if (keys.length === 0) return undefined;
    return signer.sign(keys, { fields, bodyHash }).then(({ fields: text, by }) => {
      const [first, ...rest] = message.edits;
      if (first === undefined || text === '') return { message, by };
      const insert = Buffer.concat([Buffer.from(text, 'latin1'), first.insert]);
      return { message: { ...message, edits: [{ ...first, insert }, ...rest] }, by };
    });
  };

  const traceField = (arrived: ArrivedMessage, nowMs: number): { field: string; protocol: string } => {
    const { origin, envelope, recipients } = arrived;
    // The client's own TLS is what the field is about; ours then is that with the proxy.
    const tls = origin.tlsToProxy === undefined ? origin.tls : { ...origin.tlsToProxy, toProxy: true };
    const protocol = protocolName({
      lmtp: origin.profile === 'lmtp',
      extended: origin.extended,
      tls: tls !== undefined,
      authenticated: origin.account !== undefined,
      smtpUtf8: envelope.smtpUtf8,
    });
    const only = recipients.length === 1 ? recipients[0]?.recipient.mailbox : undefined;
    const field = receivedField({
      greetingName: origin.greetingName,
      clientAddress: origin.clientAddress,
      ...(origin.clientName === undefined ? {} : { clientName: origin.clientName }),
      serverName: origin.hostName ?? serverName,
      protocol,
      ...(tls === undefined ? {} : { tls }),
      id: arrived.id,
      recipient: only === undefined || (needsSmtpUtf8(only) && !envelope.smtpUtf8) ? undefined : printMailbox(only),
      date: date(nowMs),
    });
    return { field, protocol };
  };

  /** What was found out, above the trace field of the session that it was found out in (RFC 8601 §4, RFC 7208 §9.1). */
  const checkFields = ({ origin, envelope }: ArrivedMessage, checks: readonly SenderCheck[]): string => {
    const { clientAddress, greetingName } = origin;
    const results = authenticationResultsField(serverName, clientAddress, checks);
    if (options.receivedSpf !== true) return results;
    const sender = envelope.reversePath === null ? '' : printMailbox(envelope.reversePath);
    const facts = { serverName, clientAddress, greetingName, sender };
    return results + checks.map((check) => (check.method === 'spf' ? receivedSpfField(facts, check) : '')).join('');
  };

  /** The fields a submitted message lacks (RFC 6409 §8.2, §8.3); From only because the sender is known by login. */
  const missingFields = (
    arrived: ArrivedMessage,
    reversePath: ReversePath,
    messageId: string,
    nowMs: number,
  ): string => {
    const { header } = arrived;
    let fields = '';
    if (!header.has('date')) fields += `Date: ${date(nowMs)}\r\n`;
    if (!header.has('from') && reversePath !== null) fields += `From: <${printMailbox(reversePath)}>\r\n`;
    if (!header.has('message-id')) fields += `Message-ID: <${messageId}>\r\n`;
    return fields;
  };

  /** RFC 8601 §5: nobody outside may speak in our name of what was checked; a local filter that hands on by LMTP may. */
  const mustGo = (field: HeaderField, profile: SessionOrigin['profile']): boolean => {
    if (field.name === authenticationResults) return profile !== 'lmtp' && authservId(field) === serverKey;
    return profile === 'submission' && REMOVED.has(field.name);
  };

  const prepare = (arrived: ArrivedMessage): Prepared => {
    const { header, origin } = arrived;
    header.finish();
    if (header.excess !== undefined) return { kind: 'refused', why: header.excess, reply: excessReply(header.excess) };
    const alias = forwardedFrom(arrived.recipients, arrived.envelope.smtpUtf8);
    if (alias !== undefined && hasPassed(header, alias))
      return { kind: 'refused', why: 'loop', reply: replies.forwardingLoop };
    const nowMs = clock.wall();
    // Content with octets beyond ASCII is 8-bit mail whatever was declared (RFC 6152 §3): saying so keeps later hops honest.
    const body = arrived.eightBit && arrived.envelope.body === '7bit' ? '8bitmime' : arrived.envelope.body;
    const { recipients, expanded } = expand(arrived.recipients);
    const grouped = groupByNextHop(recipients, (mailbox) => router.nextHop(mailbox, arrived.envelope));
    const deliveries = expanded.length === 0 ? grouped : [...grouped, ...groupByNextHop(expanded, () => expandedHop)];
    // Mail among our own mailboxes keeps the addresses that are known here.
    const rewritten = rewrite === undefined || !leaves(grouped) ? undefined : rewrite(arrived.envelope, header.fields);
    const reversePath = rewritten === undefined ? arrived.envelope.reversePath : rewritten.reversePath;
    const envelope: EnvelopeOptions =
      body === arrived.envelope.body && rewritten === undefined
        ? arrived.envelope
        : { ...arrived.envelope, body, reversePath };

    const { field, protocol } = traceField(arrived, nowMs);
    let prefix = alias === undefined ? field : `Delivered-To: ${alias}\r\n${field}`;
    let messageId = messageIdOf(header);
    let missing = '';
    if (arrived.checks !== undefined) prefix = checkFields(arrived, arrived.checks) + prefix;
    const edits: Edit[] = [];
    if (origin.profile === 'submission') {
      const ours = `${arrived.id}@${serverName}`;
      missing = missingFields(arrived, reversePath, ours, nowMs);
      prefix += missing;
      if (!header.has('message-id')) messageId = ours;
    }
    for (const kept of header.fields) {
      if (mustGo(kept, origin.profile)) edits.push({ at: kept.start, remove: kept.end - kept.start, insert: NOTHING });
    }
    // A content that is all body gets the empty line it lacks, or its first line would continue our fields.
    if (!header.hasFields && header.malformed > 0) prefix += '\r\n';
    if (rewritten !== undefined && rewritten.edits.length > 0) edits.push(...rewritten.edits);
    if (edits.length > 1) edits.sort((a, b) => a.at - b.at);
    edits.unshift({ at: 0, remove: 0, insert: Buffer.from(prefix, 'utf8') });

    const category = schedulingClass(header, {
      null: reversePath === null,
      authenticated: origin.account !== undefined,
    });
    const message: NewMessage = {
      envelope,
      edits,
      deliveries,
      class: category,
      messageId,
      arrivedAtMs: nowMs,
      expiresAtMs: nowMs + options.expiryMs[category],
      eightBit: arrived.eightBit || needsEightBit(prefix),
      dueAtMs: nowMs,
      held: false,
    };
    const signed =
      arrived.body === undefined || !leaves(grouped) ? undefined : signedMessage(arrived, message, missing);
    return { kind: 'ready', message, protocol, ...(signed === undefined ? {} : { signed }) };
  };

  return {
    scanner(origin) {
      const [plain, more] = origin.profile === 'submission' ? [submitted, submittedSigned] : [relayed, relayedSigned];
      return new HeaderScanner(maySign(origin) ? more : plain);
    },
    body: (origin, header) => (maySign(origin) ? new ArrivingBody(header) : undefined),
    prepare,
  };
}
