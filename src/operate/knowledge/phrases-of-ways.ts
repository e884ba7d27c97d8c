import { of, type Phrase } from './phrase.ts';

/** What proxies, and programs behind them, say. */
export const proxies: readonly Phrase[] = [
  ...of('3652', 'unrecognised socks auth method', 'no acceptable authentication method'),
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

/** What ssh, sshd and programs that use them say. */
export const gateways: readonly Phrase[] = [
  ...of(
    '3662 3666',
    'permission denied (publickey',
    'all configured authentication methods failed',
    'too many authentication failures',
    'authentication refused: bad ownership',
    'not allowed because not listed in allowusers',
  ),
  ...of(
    '3666',
    'unprotected private key file',
    'bad permissions: ignore key',
    'load key * invalid format',
    'load key * error in libcrypto',
    'cannot parse privatekey',
    'incorrect passphrase supplied to decrypt',
  ),
  ...of(
    '3661',
    'host key verification failed',
    'remote host identification has changed',
    'host key for * has changed',
    'no matching host key type',
    'host denied (verification failed)',
  ),
  ...of(
    '3663',
    'administratively prohibited',
    'port forwarding is disabled',
    'allowtcpforwarding',
    'gatewayports',
    'request to connect to * denied',
    'server has disabled port forwarding',
  ),
  ...of(
    '3664 3663',
    'remote port forwarding failed for listen port',
    'remote forward failure for',
    'forwarding listen port failed',
    'unable to bind to',
  ),
  ...of(
    '3667',
    'kex_exchange_identification',
    'protocol banner',
    'invalid ssh identification string',
    'no matching key exchange method',
    'no matching key exchange algorithm',
    'no matching c->s cipher',
    'no matching cipher found',
    'bad packet length',
  ),
  ...of(
    '3660',
    'connect to host * port 22',
    'exceeded maxstartups',
    'past maxstartups',
    'not allowed at this time',
    'ssh: could not resolve hostname',
    'timed out while waiting for handshake',
  ),
  ...of(
    '3665',
    'client_loop: send disconnect',
    'timeout, server * not responding',
    'connection lost: ssh',
    'broken pipe ssh',
  ),
];
