/** What the demonstration is made of. */
export interface Demonstration {
  /** Where queue, mailboxes and events go. */
  readonly dataDirectory: string;
  /** Hashes of the passwords, as `ims password` prints them. */
  readonly passwords: { readonly alice: string; readonly bob: string };
}

/** The mailboxes of the demonstration. */
export const demonstrationMailboxes = ['alice', 'bob'] as const;
/** The domain of the demonstration (RFC 2606 §2: it exists nowhere else). */
export const demonstrationDomain = 'example.test';

/** Where the console of the demonstration is. */
export const demonstrationConsole = '127.0.0.1:2580';

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The configuration that `npm start` begins with: two mailboxes, loopback addresses, ports above 1024. */
export function demonstration({ dataDirectory, passwords }: Demonstration): string {
  return `# A demonstration: two mailboxes in the domain ${demonstrationDomain}, reachable from this machine only.
# Change it as you like: \`ims config check\` says what is wrong, \`ims config explain KEY\` what a key means,
# \`ims reload\` applies it without stopping the service.

server:
  # The name this server greets with. A real server uses a name that DNS leads to it.
  name: mail.${demonstrationDomain}
  # Queue, mailboxes and events.
  data: ${quote(dataDirectory)}
  # Pages for a browser on this machine, and the administrator API.
  console: ${demonstrationConsole}

listeners:
  # Mail from other servers. The usual port is 25, which needs root or CAP_NET_BIND_SERVICE.
  mx:
    profile: mx
    address: ['127.0.0.1', '::1']
    port: 2525
  # Mail from our users: login required, TLS by STARTTLS. The usual port is 587.
  submission:
    profile: submission
    address: ['127.0.0.1', '::1']
    port: 2587
    tls: starttls
  # The same with TLS from the first octet. The usual port is 465.
  submissions:
    profile: submission
    address: ['127.0.0.1', '::1']
    port: 2465
    tls: implicit
  # Mail from another mail server on this machine, one reply per recipient.
  lmtp:
    profile: lmtp
    address: ['127.0.0.1', '::1']
    port: 2424

domains:
  ${demonstrationDomain}:
    mailboxes:
      # Passwords are hashes; \`ims password\` makes one.
      alice:
        password: ${quote(passwords.alice)}
      bob:
        password: ${quote(passwords.bob)}
    aliases:
      # Every domain must have a postmaster (RFC 5321 §4.5.1).
      postmaster: alice
      everybody: [alice, bob]

# Mail for other domains goes to their MX hosts. A provider that must be used instead is a smart host:
#
# routing:
#   smartHosts:
#     provider:
#       hosts: [{ host: smtp.example.net, port: 587 }]
#       tls: verified
#       login: { user: alice, passwordFile: provider-password }
#   addressSpaces:
#     - { match: '*', via: provider }
`;
}
