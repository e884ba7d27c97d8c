/**
 * Every reply this service gives, by name: code, enhanced status (RFC 3463, RFC 5248) and text. Texts are for the peer:
 * they say what it may know and can act upon, and nothing about the inside.
 */
import type { Reply } from '../../mail/reply.ts';

const reply = (code: number, detail: string, ...text: string[]): Reply => ({ code, detail, text });
/** Without enhanced status: greetings and intermediate replies carry none (RFC 2034 §4). */
const bare = (code: number, ...text: string[]): Reply => ({ code, text });

/** Words of others, without what a terminal or a log would obey. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);

/** The table. Entries that are functions need a fact of the moment. */
export const replies = {
  // The session.
  banner: (hostName: string, text: string) => bare(220, text === '' ? hostName : `${hostName} ${text}`),
  hello: (lines: readonly string[]): Reply => ({ code: 250, text: lines }),
  readyForTls: reply(220, '0.0', 'ready to start TLS'),
  closing: reply(221, '0.0', 'closing the connection'),
  help: (lines: readonly string[]): Reply => ({ code: 214, detail: '0.0', text: lines }),
  ok: reply(250, '0.0', 'OK'),
  introduced: (answer: string) => reply(250, '0.0', answer),
  clientStays: reply(550, '7.0', 'insufficient authorization'),
  noDisclosure: reply(252, '0.0', 'cannot verify the mailbox, but will take mail for it and attempt delivery'),

  // The session is ended.
  shuttingDown: reply(421, '3.2', 'the service is shutting down, try again later'),
  outOfDescriptors: reply(421, '3.2', 'too busy, try again later'),
  tooManyConnections: reply(421, '7.0', 'too many connections, try again later'),
  tooManyErrors: reply(421, '7.0', 'too many errors'),
  tooManyMessages: reply(421, '7.0', 'too many messages in this session, open another one'),
  timeout: reply(421, '4.2', 'nothing came in time'),
  lineEndless: reply(421, '7.0', 'the line does not end'),
  contentEndless: reply(421, '7.0', 'the message does not end'),
  talkedFirst: reply(554, '5.1', 'you talked before the greeting'),
  notHttp: reply(421, '7.0', 'this is a mail service'),
  outOfStep: reply(421, '5.4', 'the end of the chunk cannot be known'),
  internalFault: reply(421, '3.0', 'internal fault, try again later'),
  connectionRefused: reply(554, '7.1', 'connections from this address are refused'),
  notYetServing: reply(421, '3.2', 'the service is starting, try again later'),
  /** By order, not by a fault; 421 so that the sender goes to another host at once, or tries again (RFC 5321 §3.8). */
  takesNothing: reply(421, '3.2', 'no mail is taken here for now, by order of the administrator, try again later'),
  dnsTrouble: reply(451, '4.3', 'a domain name could not be looked up, try again later'),

  // Commands and their order.
  unknownCommand: reply(500, '5.2', 'command not recognised'),
  lineTooLong: reply(500, '5.2', 'line too long'),
  lineEnding: reply(500, '5.2', 'a command ends with CR LF; CR or LF alone is refused'),
  lineOctets: reply(500, '5.2', 'the line contains octets that no command may'),
  lhloOnly: reply(500, '5.1', 'this is LMTP: say LHLO'),
  syntax: (form: string) => reply(501, '5.4', `syntax: ${form}`),
  notOffered: reply(502, '5.1', 'command not offered'),
  badSequence: reply(503, '5.1', 'bad sequence of commands'),
  helloFirst: (verb: string) => reply(503, '5.1', `say ${verb} first`),
  nestedMail: reply(503, '5.1', 'a transaction is already open'),
  noRecipients: reply(503, '5.1', 'no valid recipients'),
  noValidRecipients: reply(554, '5.1', 'no valid recipients'),
  sessionRefused: reply(503, '5.1', 'the connection was refused; only QUIT is left'),

  // Parameters.
  parameterUnknown: (keyword: string) => reply(555, '5.4', `parameter not recognised: ${keyword}`),
  parameterTwice: (keyword: string) => reply(501, '5.4', `parameter given twice: ${keyword}`),
  parameterSyntax: (keyword: string) => reply(501, '5.4', `bad value of parameter ${keyword}`),
  tooManyParameters: reply(501, '5.4', 'too many parameters'),

  // Addresses.
  senderSyntax: reply(501, '1.7', 'bad sender address syntax'),
  recipientSyntax: reply(501, '1.3', 'bad recipient address syntax'),
  senderNotAscii: reply(553, '6.7', 'an address beyond ASCII needs the parameter SMTPUTF8'),
  recipientNotAscii: reply(553, '6.7', 'an address beyond ASCII needs the parameter SMTPUTF8'),

  // TLS and login.
  mustStartTls: reply(530, '7.0', 'say STARTTLS first'),
  tlsActive: reply(503, '5.1', 'TLS is already active'),
  tlsUnavailable: reply(454, '7.0', 'TLS is not available for a reason that will pass'),
  authRequired: reply(530, '7.0', 'authentication required'),
  authSucceeded: reply(235, '7.0', 'authentication succeeded'),
  authChallenge: (base64: string) => bare(334, base64),
  authFailed: reply(535, '7.8', 'authentication credentials invalid'),
  authTemporary: reply(454, '7.0', 'authentication is not possible for a reason that will pass'),
  authTooOften: reply(421, '7.0', 'too many failed logins'),
  authLocked: reply(454, '7.0', 'too many failed logins, try again later'),
  authMechanism: reply(504, '5.4', 'authentication mechanism not offered'),
  authCancelled: reply(501, '7.0', 'authentication cancelled'),
  authSyntax: reply(501, '5.2', 'the response is not valid for the mechanism'),
  authTooLong: reply(500, '5.6', 'the line of the authentication exchange is too long'),
  authTwice: reply(503, '5.1', 'already authenticated'),
  authBusy: reply(503, '5.1', 'no authentication within a transaction'),
  encryptionNeeded: reply(538, '7.11', 'encryption is needed for authentication'),

  // Greeting and sender.
  greetingRefused: reply(550, '7.1', 'the greeting is refused'),
  senderAccepted: reply(250, '1.0', 'sender OK'),
  senderRefused: reply(550, '7.1', 'the sender is refused'),
  senderDomainUnknown: reply(550, '1.8', 'the domain of the sender does not exist'),
  senderNullMx: reply(550, '7.27', 'the domain of the sender accepts no mail, so no report could reach it'),
  senderNotYours: reply(553, '7.1', 'the sender address does not belong to your account'),
  senderTemporary: reply(451, '7.1', 'the sender cannot be checked now, try again later'),

  // Recipients.
  recipientAccepted: reply(250, '1.5', 'recipient OK'),
  recipientUnknown: reply(550, '1.1', 'no such mailbox here'),
  recipientDomainUnknown: reply(550, '1.2', 'the domain of the recipient does not exist'),
  recipientNotQualified: reply(554, '1.2', 'the domain of the recipient is not fully qualified'),
  recipientNullMx: reply(556, '1.10', 'the domain of the recipient accepts no mail'),
  recipientRefused: reply(550, '7.1', 'delivery to this recipient is refused'),
  recipientTemporary: reply(451, '3.0', 'the recipient cannot be checked now, try again later'),
  recipientMoved: (address: string) => reply(551, '1.6', `the mailbox has moved, try <${address}>`),
  mailboxDisabled: reply(550, '2.1', 'the mailbox is disabled'),
  mailboxDisabledBecause: (why: string) => reply(550, '2.1', `the mailbox is disabled: ${why}`),
  aliasBroken: reply(451, '3.5', 'the address is not set up correctly here, try again later'),
  domainNotAllowed: (domain: string) =>
    reply(550, '7.1', `mail for ${domain} may not leave here (remoteDomainsAllowed)`),
  mailboxFull: reply(452, '2.2', 'the mailbox is full'),
  relayDenied: reply(550, '7.1', 'relaying denied'),
  tooManyRecipients: reply(452, '5.3', 'too many recipients, send the rest in another transaction'),
  bounceRecipients: reply(550, '5.3', 'a report has one recipient'),
  greylisted: reply(450, '7.1', 'try again later'),

  spfFailed: (address: string, domain: string, explanation: string | undefined) => {
    const text = `SPF: ${address} may not send mail of ${domain}`;
    return explanation === undefined
      ? reply(550, '7.23', text)
      : reply(550, '7.23', text, `${domain} explains: ${printable(explanation)}`);
  },
  clientListed: (address: string, zone: string, why: string) =>
    reply(550, '7.1', `${address} is on the block list ${zone}${why === '' ? '' : `: ${printable(why)}`}`),

  // Message.
  startMailInput: bare(354, 'send the message, end with <CRLF>.<CRLF>'),
  chunkAccepted: (octets: number) => reply(250, '0.0', `${octets} octets received`),
  accepted: (id: string) => reply(250, '0.0', `accepted as ${id}`),
  delivered: reply(250, '1.5', 'delivered'),
  messageTooBig: reply(552, '3.4', 'the message is larger than this service takes'),
  headerTooBig: reply(552, '3.4', 'the header section is larger than this service takes'),
  headerSyntax: reply(554, '6.0', 'the header section is malformed'),
  forwardingLoop: reply(554, '4.6', 'the message has been forwarded from this address before, it is going in a circle'),
  hopCountExceeded: reply(554, '4.6', 'too many hops, the message is going in a circle'),
  bareLineEnding: reply(554, '6.11', 'the message contains CR or LF alone (RFC 5321 2.3.8); lines end with CR LF'),
  insufficientStorage: reply(452, '3.1', 'insufficient storage, try again later'),
  queueTrouble: reply(451, '3.0', 'the message could not be stored, try again later'),
  tooBusy: reply(451, '3.2', 'too busy, try again later'),
  blocked: reply(554, '7.1', 'the message is refused by policy'),
  rateLimited: reply(450, '7.1', 'too much mail in a short time, try again later'),

  // ETRN (RFC 1985 §5.1; RFC 2034 gives 459 no enhanced status of its own).
  etrnStarted: reply(250, '0.0', 'queuing for the node started'),
  etrnNothing: reply(251, '0.0', 'no messages waiting for the node'),
  etrnPending: (count: number) => reply(253, '0.0', `${count} pending messages for the node started`),
  etrnUnable: reply(458, '3.0', 'unable to queue messages for the node'),
  etrnNotAllowed: reply(459, '7.1', 'the node is not allowed here'),
} as const;
