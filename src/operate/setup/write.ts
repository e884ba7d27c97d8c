import type { Answers, FarHost, GatewayHost } from './answers.ts';
import type { SetUpKey } from './keys.ts';

/** A mailbox with the hash of its password. */
export interface MailboxHash {
  readonly mailbox: string;
  readonly hash: string;
}

/** The file with the password at the smart host or proxy, beside the configuration. */
export const PASSWORD_FILE = 'send-password';

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** Plain where YAML reads it as a text, else in quotes. */
const text = (value: string): string =>
  /^[a-z/][\w./-]*$/i.test(value) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(value) ? value : quote(value);

function server({ hostname, data, user, console: place }: Answers): readonly string[] {
  return [
    'server:',
    '  # The name this server greets with. Its A and AAAA records lead here, and the PTR record of the address says it too.',
    `  name: ${text(hostname)}`,
    '  # Queue, mailboxes and events; on a local disk.',
    `  data: ${text(data)}`,
    ...(user === undefined
      ? []
      : ['  # Started as root: ports are bound, then the work is done as this user.', `  user: ${text(user)}`]),
    '  # Pages for a browser on this host; `ims console` says how to log in. From elsewhere: ssh -L 8026:127.0.0.1:8026',
    `  ${place === undefined ? '# ' : ''}console: ${quote(place ?? '127.0.0.1:8026')}`,
  ];
}

function listeners({ ports, addresses }: Answers): readonly string[] {
  const on = addresses === undefined ? '' : `address: [${addresses.map(quote).join(', ')}], `;
  return [
    'listeners:',
    '  # Mail from other servers.',
    `  mx: { profile: mx, ${on}port: ${ports.mx} }`,
    '  # Mail from our users: a login is asked for, and TLS before it.',
    `  submission: { profile: submission, ${on}port: ${ports.submission}, tls: required }`,
    '  # The same with TLS from the first octet.',
    `  submissions: { profile: submission, ${on}port: ${ports.submissions}, tls: implicit }`,
  ];
}

function certificate({ certificate: choice }: Answers): readonly string[] {
  if (choice.kind === 'files')
    return ['tls:', `  certificate: ${text(choice.certificate)}`, `  key: ${text(choice.key)}`];
  return [
    '# The certificate is self-signed, made in the data directory. Programs of users warn about it; with one of an authority:',
    '#',
    '# tls:',
    '#   certificate: /etc/letsencrypt/live/NAME/fullchain.pem',
    '#   key: /etc/letsencrypt/live/NAME/privkey.pem',
  ];
}

function domains(
  { domains: names, mailboxes }: Answers,
  hashes: readonly MailboxHash[],
  keys: readonly SetUpKey[],
): readonly string[] {
  const lines = ['domains:'];
  for (const name of names) {
    const own = mailboxes.filter((address) => address.endsWith(`@${name}`));
    lines.push(`  ${text(name)}:`);
    const key = keys.find(({ domain }) => domain === name);
    if (key !== undefined)
      lines.push(
        '    # Mail that leaves is signed (DKIM); others verify it by the record of the key (`ims dns`).',
        `    dkim: { selector: ${text(key.selector)}, keyFile: ${text(key.keyFile)} }`,
      );
    if (own.length > 0) lines.push('    # Passwords are hashes; `ims password` makes one.', '    mailboxes:');
    for (const address of own) {
      const hash = hashes.find(({ mailbox }) => mailbox === address)?.hash;
      const local = address.slice(0, address.lastIndexOf('@'));
      lines.push(hash === undefined ? `      ${text(local)}: {}` : `      ${text(local)}:`);
      if (hash !== undefined) lines.push(`        password: ${quote(hash)}`);
    }
    const postmaster = own.some((address) => /^postmaster@/i.test(address));
    if (postmaster) continue;
    const [first] = own;
    const target = first === undefined ? (mailboxes[0] ?? '') : first.slice(0, first.lastIndexOf('@'));
    lines.push(
      '    aliases:',
      '      # Every domain has a postmaster (RFC 5321 §4.5.1).',
      `      postmaster: ${text(target)}`,
    );
  }
  return lines;
}

const login = ({ login: given }: FarHost, indent: string): readonly string[] =>
  given === undefined
    ? []
    : [
        `${indent}# The first line of the file is the password.`,
        `${indent}login: { user: ${quote(given.user)}, passwordFile: ${PASSWORD_FILE} }`,
      ];

const IMPLICIT = 465;
const RELAY = 25;

function gateway({ host, port, user, keyFile, hostKey }: GatewayHost): readonly string[] {
  return [
    'gateways:',
    '  outpost:',
    `    host: ${quote(host)}`,
    `    port: ${port}`,
    ...(user === undefined ? [] : [`    user: ${quote(user)}`]),
    `    keyFile: ${text(keyFile)}`,
    ...(hostKey === undefined
      ? [
          '    # The gateway is not used until its fingerprint stands here; `ims gateway check` shows what it presents.',
          '    # hostKey: SHA256:...',
        ]
      : [`    hostKey: ${quote(hostKey)}`]),
    '    # Its port 25 is ours: mail from other servers comes by it.',
    '    listen: [{ port: 25, listener: mx }]',
    '',
    'routing:',
    '  # All mail for other domains goes out from there; while it is away mail waits.',
    '  proxy: outpost',
  ];
}

function routing({ send }: Answers): readonly string[] {
  if (send.kind === 'gateway') return gateway(send);
  if (send.kind === 'direct') return ['# Mail for other domains goes to the servers of each recipient, by MX.'];
  const host = `host: ${quote(send.host)}`;
  if (send.kind === 'proxy')
    return [
      'routing:',
      '  proxies:',
      '    outward:',
      `      kind: ${send.protocol}`,
      `      ${host}`,
      `      port: ${send.port}`,
      ...login(send, '      '),
      '  # All mail for other domains goes this way; where the proxy fails it waits.',
      '  proxy: outward',
    ];
  // With a login, or on a submission port, the certificate must fit: a password goes there.
  const tls =
    send.port === IMPLICIT
      ? 'implicit'
      : send.port === RELAY && send.login === undefined
        ? 'opportunistic'
        : 'verified';
  return [
    'routing:',
    '  smartHosts:',
    '    provider:',
    `      hosts: [{ ${host}, port: ${send.port} }]`,
    `      tls: ${tls}`,
    ...login(send, '      '),
    '  addressSpaces:',
    '    # All mail for other domains.',
    "    - { match: '*', via: provider }",
  ];
}

/** The configuration that the answers mean, with comments for the one who will change it. */
export function writeConfiguration(
  answers: Answers,
  hashes: readonly MailboxHash[],
  keys: readonly SetUpKey[] = [],
): string {
  const head = [
    '# Configuration of the Internet Mail Service, made by `ims setup`. What is not here has its default.',
    '# `ims config explain KEY` says what a key means, `ims config check` what is wrong, `ims reload` applies a change.',
  ];
  const parts = [
    head,
    server(answers),
    listeners(answers),
    certificate(answers),
    domains(answers, hashes, keys),
    routing(answers),
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
