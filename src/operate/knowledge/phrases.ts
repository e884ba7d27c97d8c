/** A recognisable piece of what programs print; `*` stands for anything between. Small letters, single spaces. */
export interface Phrase {
  readonly fragment: string;
  readonly articles: readonly string[];
}

/** Phrases of one program or system by the article they lead to. */
const of = (articles: string, ...fragments: readonly string[]): readonly Phrase[] =>
  fragments.map((fragment) => ({ fragment, articles: articles.split(' ') }));

const original: readonly Phrase[] = [
  ...of(
    'behind-a-proxy-2001 4020',
    'trying to retrieve protocol information',
    'winsock could not be initialized',
    'unable to start the service because winsock',
    'getprotobyname',
    'winsock proxy',
  ),
  ...of('4007', 'trying to bind the tcp/ip listener socket'),
  ...of(
    '3701 3700',
    'cannot resolve the host',
    'name resolver cannot be initialized',
    'tcp/ip domain name was not found',
  ),
  ...of('3350', 'an attempt to connect to host', 'for domain * was refused'),
  ...of('4131', 'an exception has occurred which was handled internally'),
  ...of('4750', 'unable to parse the delivery route'),
  ...of('4098', 'hop count exceeded', 'maximum hop count'),
];

const listeners: readonly Phrase[] = [
  ...of(
    '4007',
    'fatal: bind * port * address already in use',
    'address already in use',
    'only one usage of each socket address',
    'an attempt was made to access a socket in a way forbidden',
    'cannot assign requested address',
    'bind * permission denied',
    'listen eaddrinuse',
    'listen eacces',
    'could not bind to address',
    'cannot bind',
    'can not bind',
    'unable to bind socket',
    'failed to listen on',
    'address family not supported',
    'no sockets available to listen',
  ),
  ...of('3801', 'listen_fds'),
  ...of('4801', 'is already running', 'another instance', 'the postfix mail system is already running'),
];

const storage: readonly Phrase[] = [
  ...of(
    '3018 4900',
    'no space left on device',
    'insufficient system storage',
    'not enough free space in mail queue',
    'space shortage',
    'disk full',
  ),
  ...of('3018', 'queue file write error', 'spool file system'),
  ...of('4900 4752', 'read-only file system', 'stale file handle', 'stale nfs file handle'),
  ...of('4900 4303', 'input/output error', 'i/o error', 'buffer i/o error', 'ext4-fs error'),
  ...of('3450 4900', 'disk quota exceeded', 'quota exceeded', 'over quota', 'mailbox full'),
  ...of('3450', 'cannot update mailbox', 'maildir delivery failed', 'create maildir file', 'unable to open mailbox'),
  ...of('4302', 'unsupported queue format', 'written by a newer version'),
];

const processes: readonly Phrase[] = [
  ...of('3201', 'too many open files', 'file table overflow'),
  ...of(
    '3200',
    'too many connections',
    'too many concurrent smtp connections',
    'connection limit exceeded',
    'connection rate limit exceeded',
  ),
  ...of('3200', 'too many simultaneous connections', 'all server ports are busy'),
  ...of(
    '3800',
    'process * killed by signal',
    'out of memory: killed process',
    'oom-kill',
    'oom_reaper',
    'segmentation fault',
    'heap out of memory',
  ),
  ...of('4800', 'watchdog timeout', 'watchdog: killing'),
  ...of('4020', 'unknown user', 'main process exited', 'start request repeated too quickly'),
  ...of('3453', 'command not found', 'exec format error', 'temporary failure. command output', 'unable to run'),
];

const names: readonly Phrase[] = [
  ...of(
    '3701 3700',
    'host or domain name not found. name service error',
    'name service error',
    'temporary failure in name resolution',
    'no servers could be reached',
    'communications error to',
    'connection timed out; no servers',
    'host lookup did not complete',
    'lookup failed * servfail',
    'server failed',
    'resolver failure',
    'getaddrinfo eai_again',
    'queryenot',
  ),
  ...of(
    '3350',
    'host not found',
    'getaddrinfo enotfound',
    'unrouteable address',
    'all relevant mx records point to non-existent hosts',
  ),
];

const remote: readonly Phrase[] = [
  ...of(
    '3350',
    'connection timed out',
    'connection refused',
    'no route to host',
    'network is unreachable',
    'connection reset by peer',
    'lost connection with * while sending end of data',
    'lost connection with * while',
    'conversation with * timed out',
    'retry time not reached for any host',
    'remote host closed connection',
    'server dropped connection without sending the initial smtp greeting',
    'delivery temporarily suspended',
    'socket hang up',
  ),
  ...of(
    '3352',
    'relay access denied',
    'relaying denied',
    'relay not permitted',
    'we do not relay',
    'unable to relay',
    'not permitted to relay',
    'must issue a starttls command first',
  ),
  ...of(
    '4115',
    'mail for * loops back to myself',
    'loops back to myself',
    'lowest numbered mx record points to local host',
    'mail loop',
  ),
  ...of('4098 3205', 'too many hops', 'too many received', 'mail forwarding loop', 'routing loop detected'),
  ...of('3205', 'mail forwarding loop for', 'alias loop'),
  ...of(
    '3451',
    'sasl authentication failed',
    'authentication failed',
    'authentication credentials invalid',
    'username and password not accepted',
    'authentication required',
    'authentication unsuccessful',
    'no mechanism available',
    'invalid login',
  ),
];

const tls: readonly Phrase[] = [
  ...of(
    '3452',
    'certificate verify failed',
    'server certificate not verified',
    'server certificate not trusted',
    'certificate verification failed',
    'self-signed certificate',
    'self signed certificate',
    'unable to get local issuer certificate',
    'unable_to_verify_leaf_signature',
    'hostname/ip does not match certificate',
    'tls is required, but was not offered',
    'cannot start tls: handshake failure',
    'a tls session is required',
    'wrong version number',
    'unsupported protocol',
    'sslv3 alert handshake failure',
  ),
  ...of('3452 3750', 'certificate has expired', 'cert_has_expired'),
  ...of(
    '3750 3204',
    'key values mismatch',
    'no certificate * available',
    'cannot get rsa certificate',
    'cannot get rsa private key',
    'no start line',
    'bad decrypt',
    'bad base64 decode',
    'unable to load certificate',
    'no shared cipher',
    'tls engine unavailable',
    'tls not available',
    'tls currently unavailable',
  ),
];

const proxies: readonly Phrase[] = [
  ...of('3652', 'proxy authentication required', '407 proxy', 'socks authentication failed'),
  ...of(
    '3654',
    'connection not allowed by ruleset',
    'socks * not allowed',
    'tunneling socket could not be established',
    '403 forbidden',
    'general socks server failure',
  ),
  ...of('3653', 'socks version', 'invalid socks', 'not a socks'),
  ...of('3650', 'could not connect to proxy', 'unable to connect to proxy'),
  ...of(
    '3655',
    'haproxy protocol',
    'no proxy header',
    'proxy protocol error',
    'haproxy: timeout',
    'missing proxy header',
  ),
  ...of('3656', 'unrecognized command * proxy tcp', 'proxy tcp4', 'proxy tcp6'),
];

/** What people say who have no error text. */
const complaints: readonly Phrase[] = [
  ...of('4020 4007 4801', 'does not start', 'will not start', "won't start", 'cannot start', 'failed to start'),
  ...of('4007 4752 3301', 'cannot receive', 'no mail arrives', 'no mail comes in', 'not receiving'),
  ...of(
    '3350 3701 3352',
    'cannot send',
    'mail is stuck',
    'mail stuck',
    'mail is slow',
    'mail is delayed',
    'mail waits',
    'not delivered',
  ),
  ...of('3451 3252', 'cannot log in', 'login failed', 'wrong password'),
];

const others: readonly Phrase[] = [
  ...of('3351', 'time has been changed', 'clock jumped', 'moved backwards', 'clock skew'),
  ...of('4750', 'bad configuration', 'yaml', 'duplicate key', 'unknown setting'),
  ...of('3600', 'user unknown in virtual alias table', 'alias expansion', 'unknown mailbox'),
];

/** Every phrase that the search knows. */
export const phrases: readonly Phrase[] = [
  ...original,
  ...listeners,
  ...storage,
  ...processes,
  ...names,
  ...remote,
  ...tls,
  ...proxies,
  ...complaints,
  ...others,
];
