import type { Reply } from '../../mail/reply.ts';

const make = (code: number, detail: string, ...text: readonly (string | undefined)[]): Reply => ({
  code,
  detail,
  text: text.filter((line): line is string => line !== undefined),
});

/** The replies that delivery itself gives where no server's own reply says it. `said` is what the far side said, quoted. */
export const deliveryReplies = {
  // About the way to a host.
  notReached: (host: string, why: string) => make(451, '4.1', `no connection to ${host}: ${why}`),
  proxyFailed: (host: string, why: string) => make(451, '4.1', `no connection to ${host}: ${why}`),
  noHosts: () => make(451, '4.1', 'no host to deliver to is known at present'),
  restLater: () => make(451, '5.3', 'the message has more recipients than one attempt serves; the rest follows'),
  sessionRefused: (host: string, command: string, said: string) =>
    make(451, '3.2', `${host} refused the session in answer to ${command}; it said:`, said),
  acceptsNoMail: (host: string, said: string) =>
    make(556, '3.2', `${host} does not accept mail at all; it said:`, said),
  connectionLost: (host: string, phase: string, by = '') =>
    make(451, '4.2', `the connection to ${host}${by} was lost ${phase}`),
  timedOut: (host: string, phase: string, by = '') => make(451, '4.2', `${host}${by} did not answer in time ${phase}`),
  maybeDelivered: (host: string, why: string) =>
    make(
      451,
      '4.2',
      `${why} after the whole message had been sent to ${host}; it may have been delivered, and will be sent again`,
    ),
  notUnderstood: (host: string, phase: string, said: string) =>
    make(451, '5.0', `${host} did not answer according to the protocol ${phase}; it said:`, said),
  // About security.
  tlsMissing: (host: string) => make(451, '7.10', `${host} does not offer TLS, which is required for this destination`),
  tlsRefused: (host: string, said: string) =>
    make(451, '7.10', `${host} refused TLS, which is required for this destination; it said:`, said),
  tlsFailed: (host: string, why: string) => make(451, '7.5', `TLS with ${host} could not be agreed on: ${why}`),
  tlsUnverified: (host: string, why: string) =>
    make(451, '7.5', `the certificate of ${host} is not valid for it: ${why}`),
  loginMissing: (host: string) =>
    make(451, '7.0', `${host} offers no way to log in that may be used on this connection (PLAIN or LOGIN, with TLS)`),
  loginRefused: (host: string, said: string) => make(451, '7.8', `${host} did not accept our login; it said:`, said),
  // About the message and what the next hop can take.
  eightBit: (host: string) => make(554, '6.3', `the message has 8-bit content, and ${host} only takes 7-bit content`),
  binary: (host: string) => make(554, '6.3', `the message has binary content, and ${host} does not take it`),
  internationalised: (host: string) =>
    make(553, '6.7', `the message needs internationalised mail (SMTPUTF8), and ${host} does not support it`),
  tooLarge: (host: string, sizeBytes: number, maxBytes: number) =>
    make(552, '3.4', `the message has ${sizeBytes} octets, and ${host} takes at most ${maxBytes}`),
  contentUnreadable: () => make(451, '3.0', 'the message cannot be read from the queue at present'),
  // About mailboxes here.
  delivered: (where: string) => make(250, '0.0', where),
  mailboxMissing: () => make(550, '1.1', 'no such mailbox here'),
  directoryUnavailable: (why: string) => make(451, '3.0', `the directory of mailboxes cannot answer: ${why}`),
  looped: (mailbox: string) =>
    make(554, '4.6', `the message has been delivered to ${mailbox} before: a forwarding loop`),
  mailboxFull: () => make(452, '2.2', 'the mailbox is over its quota'),
  storageFull: () => make(452, '3.1', 'the storage of the mailbox is full'),
  storageFailed: (errno: string) => make(451, '3.0', `the mailbox cannot be written: ${errno}`),
  // About programs.
  programNotStarted: (errno: string) => make(451, '3.0', `the delivery program could not be started: ${errno}`),
  programUserUnknown: (user: string) => make(451, '3.5', `the delivery program cannot run as the unknown user ${user}`),
  programTimedOut: () => make(451, '3.0', 'the delivery program did not end in time'),
  programKilled: (signal: string) => make(451, '3.0', `the delivery program was ended by ${signal}`),
  programDeferred: (code: number, said: string) =>
    make(451, '3.0', `the delivery program asked to try later (exit code ${code})`, said || undefined),
  programFailed: (code: number, detail: string, said: string) =>
    make(550, detail, `the delivery program refused the message (exit code ${code})`, said || undefined),
} as const;
