import {
  type Answers,
  type FarHost,
  refused,
  type Taken,
  taken,
  takeAddresses,
  takeCertificate,
  takeConsole,
  takeDirectory,
  takeDomains,
  takeFile,
  takeFingerprint,
  takeHostname,
  takeMailboxes,
  takePorts,
  takeSend,
} from './answers.ts';
import { type Found, SERVICE_USER } from './found.ts';

/** What has been answered so far. */
export type Draft = Partial<Answers>;

/** What a question may look at. */
export interface Known {
  readonly found: Found;
  /** Where a data directory is put unless somebody says otherwise. */
  readonly usualData: string;
  userExists(name: string): Promise<boolean>;
}

/** One thing to be known; asked on a terminal, or given by its option. */
export interface Question {
  readonly id: QuestionId;
  readonly option: string;
  readonly asks: string;
  /** What is typed is not shown. */
  readonly secret?: true;
  /** Whether it has to be answered, given the answers before it. */
  applies(draft: Draft, known: Known): boolean;
  /** The choice in a line or two. */
  explain(draft: Draft, known: Known): readonly string[];
  /** The answer that Enter takes; undefined where nobody can know it. */
  suggestion(draft: Draft, known: Known): string | undefined;
  /** The answer where nobody is asked; without it one must be given there. */
  readonly unasked?: string;
  take(text: string, draft: Draft, known: Known): Taken<Draft> | Promise<Taken<Draft>>;
}

/** The questions by their names. */
export type QuestionId =
  | 'hostname'
  | 'domain'
  | 'mailbox'
  | 'send'
  | 'sendUser'
  | 'sendPassword'
  | 'gatewayKey'
  | 'gatewayHostKey'
  | 'certificate'
  | 'data'
  | 'user'
  | 'address'
  | 'ports'
  | 'console';

const put = <T>(answer: Taken<T>, into: (value: T) => Draft): Taken<Draft> =>
  answer.ok ? taken(into(answer.value)) : answer;

const always = (): boolean => true;

const hostname: Question = {
  id: 'hostname',
  option: '--hostname',
  asks: 'Name of this mail server',
  applies: always,
  explain: (_draft, { found }) => [
    'The full name that this server greets other servers with; the MX record of your domain will name it, and the PTR',
    'record of its address should too. It need not be the name that this machine has.',
    ...found.names.slice(0, 3).map(({ name, from }) => `Found: ${name} (${from})`),
    ...(found.names.length === 0 && found.systemName !== ''
      ? [`This machine calls itself ${found.systemName}, without a domain.`]
      : []),
  ],
  suggestion: (_draft, { found }) => found.names[0]?.name,
  take: (text) => put(takeHostname(text), (value) => ({ hostname: value })),
};

const domain: Question = {
  id: 'domain',
  option: '--domain',
  asks: 'Domains to receive mail for',
  applies: always,
  explain: () => ['What stands behind the @ of your addresses. Several are separated by commas.'],
  suggestion: ({ hostname: name }) => {
    const rest = name?.slice(name.indexOf('.') + 1);
    return rest?.includes('.') === true ? rest : name;
  },
  take: (text) => put(takeDomains(text), (value) => ({ domains: value })),
};

const mailbox: Question = {
  id: 'mailbox',
  option: '--mailbox',
  asks: 'Mailboxes',
  applies: always,
  explain: ({ domains }) => [
    'Addresses that keep mail here; each gets a password, which is shown at the end. Several are separated by commas.',
    ...((domains?.length ?? 0) > 1 ? [`A name alone is in ${domains?.[0]}.`] : []),
    'The first one of a domain also receives what is written to its postmaster.',
  ],
  suggestion: () => undefined,
  take: (text, { domains }) =>
    domains === undefined
      ? refused('the domains have to be known first')
      : put(takeMailboxes(text, domains), (value) => ({ mailboxes: value })),
};

const send: Question = {
  id: 'send',
  option: '--send',
  asks: 'How to send',
  applies: always,
  explain: (_draft, { found }) => [
    'direct                      to the servers of each recipient; needs port 25 outwards and a good PTR record',
    'smarthost=HOST:PORT         through a provider, mostly with a login; where port 25 is closed, or for a home line',
    'proxy=socks5://HOST:PORT    through a proxy on a host that may use port 25 (or proxy=http://HOST:PORT)',
    'gateway=USER@HOST           through a rented host with OpenSSH and a public address: mail comes and goes by it',
    ...(found.addresses.some((one) => one.public)
      ? []
      : ['This host has no public address: others see the address of its router.']),
    ...found.proxies.map(({ variable, answer }) => `The environment names a proxy (${variable}): ${answer}`),
  ],
  suggestion: () => 'direct',
  take: (text) => put(takeSend(text), (value) => ({ send: value })),
};

const farHost = ({ send: way }: Draft): FarHost | undefined =>
  way?.kind === 'smarthost' || way?.kind === 'proxy' ? way : undefined;

const sendUser: Question = {
  id: 'sendUser',
  option: '--send-user',
  asks: 'User name there',
  applies: (draft) => farHost(draft) !== undefined,
  explain: (draft) => [`The name to log in with at ${farHost(draft)?.host}; 'none' where it wants no login.`],
  suggestion: () => 'none',
  take: (text, draft) => {
    const user = text.trim();
    if (draft.send?.kind !== 'smarthost' && draft.send?.kind !== 'proxy')
      return refused('there is nobody to log in at: --send');
    if (user === 'none') return taken({});
    if (user === '' || user.length > 255) return refused('a user name is needed, or none');
    return taken({ send: { ...draft.send, login: { user, password: '' } } });
  },
};

const sendPassword: Question = {
  id: 'sendPassword',
  option: '--send-password-file',
  asks: 'Password there',
  secret: true,
  applies: (draft) => farHost(draft)?.login !== undefined,
  explain: () => ['It is kept in a file of its own that only the service can read. What you type is not shown.'],
  suggestion: () => undefined,
  take: (text, draft) => {
    if ((draft.send?.kind !== 'smarthost' && draft.send?.kind !== 'proxy') || draft.send.login === undefined)
      return refused('there is no user for it: --send-user');
    return text === ''
      ? refused('it is empty')
      : taken({ send: { ...draft.send, login: { ...draft.send.login, password: text } } });
  },
};

const gatewayKey: Question = {
  id: 'gatewayKey',
  option: '--gateway-key',
  asks: 'Private key for the gateway',
  applies: ({ send: way }) => way?.kind === 'gateway',
  explain: () => [
    'The file of a private key without passphrase that may log in there; ssh-keygen -t ed25519 -N "" -f FILE makes one.',
  ],
  suggestion: () => undefined,
  take: (text, { send: way }) =>
    way?.kind === 'gateway'
      ? put(takeFile(text), (keyFile) => ({ send: { ...way, keyFile } }))
      : refused('there is no gateway: --send'),
};

const gatewayHostKey: Question = {
  id: 'gatewayHostKey',
  option: '--gateway-host-key',
  asks: 'Fingerprint of its host key',
  applies: ({ send: way }) => way?.kind === 'gateway',
  explain: () => [
    'Nothing is sent through a gateway that is not known by it. ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints it',
    'there; later: leave it out now, and enter it as hostKey before the gateway is used.',
  ],
  suggestion: () => 'later',
  take: (text, { send: way }) => {
    if (way?.kind !== 'gateway') return refused('there is no gateway: --send');
    return text.trim() === 'later'
      ? taken({})
      : put(takeFingerprint(text), (hostKey) => ({ send: { ...way, hostKey } }));
  },
};

const certificate: Question = {
  id: 'certificate',
  option: '--certificate',
  asks: 'Certificate',
  applies: always,
  explain: ({ hostname: name = '' }, { found }) => [
    'self-signed is enough for mail from other servers; programs of your users will warn. Otherwise the two files in PEM',
    'form, separated by a comma: /path/fullchain.pem,/path/privkey.pem',
    ...found.certificates.map(
      (one) =>
        `Found: ${one.certificate},${one.key} for ${one.names.join(', ')}${one.fits(name) ? '' : ', which is not the name of this server'}`,
    ),
  ],
  suggestion: ({ hostname: name = '' }, { found }) => {
    const fitting = found.certificates.find((one) => one.fits(name));
    return fitting === undefined ? 'self-signed' : `${fitting.certificate},${fitting.key}`;
  },
  take: (text) => put(takeCertificate(text), (value) => ({ certificate: value })),
};

const data: Question = {
  id: 'data',
  option: '--data',
  asks: 'Data directory',
  applies: always,
  explain: () => [
    'Queue, mailboxes and events. On a local disk with room: what is accepted is written there before it is confirmed.',
  ],
  suggestion: (_draft, { usualData }) => usualData,
  take: (text) => put(takeDirectory(text), (value) => ({ data: value })),
};

const user: Question = {
  id: 'user',
  option: '--user',
  asks: 'User to work as',
  applies: (_draft, { found }) => found.root,
  explain: (_draft, { found }) => [
    'Started as root, the service binds its ports and then works as this user. none: it stays root.',
    ...(found.serviceUser
      ? []
      : [
          `There is no user ${SERVICE_USER} yet. In another terminal: useradd --system --home-dir /var/lib/ims --shell /usr/sbin/nologin ${SERVICE_USER}`,
        ]),
  ],
  suggestion: (_draft, { found }) => (found.serviceUser ? SERVICE_USER : undefined),
  async take(text, _draft, { userExists }) {
    const name = text.trim();
    if (name === 'none') return taken({});
    return (await userExists(name)) ? taken({ user: name }) : refused(`this host has no user '${name}'`);
  },
};

const address: Question = {
  id: 'address',
  option: '--address',
  asks: 'Addresses to listen on',
  applies: always,
  explain: () => ['all: every address of this host, also those to come. Otherwise IP addresses, separated by commas.'],
  suggestion: () => 'all',
  take: (text) => (text.trim() === 'all' ? taken({}) : put(takeAddresses(text), (value) => ({ addresses: value }))),
};

const USUAL_PORTS = '25,587,465';

const ports: Question = {
  id: 'ports',
  option: '--ports',
  asks: 'Ports',
  applies: always,
  explain: (_draft, { found }) => [
    'For mail from other servers, for your users, and for your users with TLS from the first octet.',
    'Others look for you on port 25; another one only makes sense behind something that passes port 25 on.',
    ...(found.port25 === undefined
      ? []
      : [`Port 25 is held by ${found.port25}: stop it before you start this service.`]),
    ...(found.lowPorts
      ? []
      : ['You may not bind ports below 1024 here. A unit of systemd may (--systemd), and so may root.']),
  ],
  suggestion: () => USUAL_PORTS,
  take: (text) => put(takePorts(text), (value) => ({ ports: value })),
};

const browser: Question = {
  id: 'console',
  option: '--console',
  asks: 'Console in a browser',
  applies: always,
  explain: () => [
    'Pages with what `ims status`, `ims queue`, `ims events` and `ims kb` show, behind a login: 127.0.0.1:8026, or none.',
    'Only this host reaches them; from elsewhere you come by ssh -L 8026:127.0.0.1:8026.',
  ],
  suggestion: () => '127.0.0.1:8026',
  unasked: 'none',
  take: (text) => (text.trim() === 'none' ? taken({}) : put(takeConsole(text), (value) => ({ console: value }))),
};

/** All questions in the order in which they are asked. */
export const questions: readonly Question[] = [
  hostname,
  domain,
  mailbox,
  send,
  sendUser,
  sendPassword,
  gatewayKey,
  gatewayHostKey,
  certificate,
  data,
  user,
  address,
  ports,
  browser,
];
