import { resolve } from 'node:path';
import { domainKey } from '../../../mail/mailbox.ts';
import { isDomain, isIp } from '../addresses.ts';
import { parseLoopbackPlace } from '../loopback-place.ts';
import { SOCKET_PATH_MAX } from '../limits.ts';
import { doubtful, wrong, type Rule } from './rule.ts';

const CONTROL_SOCKET_NAME = '/control';

/** The name we greet with must be one that other servers accept (RFC 5321 §4.1.1.1). */
export const serverName: Rule = ({ server }) => {
  const allowed = 'a fully qualified name such as mail.example.com';
  const path = ['server', 'name'];
  if (isIp(server.name)) return [wrong(path, 'is an address, not a name', { value: server.name, allowed })];
  // RFC 6531 §3.7.1: a greeting is ASCII; an internationalised name goes by its A-labels.
  if (/[^\x00-\x7f]/.test(server.name))
    return [
      wrong(path, 'is not a host name in ASCII', { value: server.name, allowed, nearest: domainKey(server.name) }),
    ];
  if (!isDomain(server.name)) {
    const bare = server.name.trim().replace(/\.$/, '');
    const nearest = bare !== server.name && isDomain(bare) ? { nearest: bare } : {};
    return [wrong(path, 'is not a host name', { value: server.name, allowed, ...nearest })];
  }
  if (!server.name.includes('.'))
    return [doubtful(path, 'has no domain; many servers refuse such a greeting', { value: server.name, allowed })];
  return [];
};

const HELO_NAME = 'a fully qualified name such as mail.example.com';

/** The names that ways and routes greet with must be ones that other servers accept. */
export const heloNames: Rule = ({ gateways, routing }) => {
  const found: (readonly [path: readonly (string | number)[], name: string | undefined])[] = [
    [['routing', 'heloName'], routing.heloName],
    ...Object.entries(gateways).map(([name, { heloName }]) => [['gateways', name, 'heloName'], heloName] as const),
    ...Object.entries(routing.proxies).map(
      ([name, { heloName }]) => [['routing', 'proxies', name, 'heloName'], heloName] as const,
    ),
    ...Object.entries(routing.smartHosts).map(
      ([name, { heloName }]) => [['routing', 'smartHosts', name, 'heloName'], heloName] as const,
    ),
    ...routing.addressSpaces.map(({ heloName }, i) => [['routing', 'addressSpaces', i, 'heloName'], heloName] as const),
  ];
  return found.flatMap(([path, name]) => {
    if (name === undefined) return [];
    const more = { value: name, allowed: HELO_NAME };
    if (isIp(name) || /[^\x00-\x7f]/.test(name) || !isDomain(name)) return [wrong(path, 'is not a host name', more)];
    return name.includes('.') ? [] : [doubtful(path, 'has no domain; many servers refuse such a greeting', more)];
  });
};

/** Directories of the system: what is in them is others'. */
const SHARED = new Set(
  '/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /proc /root /run /sbin /sys /tmp /usr /usr/bin /usr/lib /usr/local /usr/sbin /usr/share /var /var/cache /var/lib /var/log /var/mail /var/run /var/spool /var/tmp'.split(
    ' ',
  ),
);

/** What is below our directories is given to the user that the service works as: they must be its own. */
export const ownDirectories: Rule = ({ server }, { resolved }) =>
  (['data', 'run'] as const).flatMap((key) => {
    const path = resolve(resolved.server[key] ?? '/run/ims');
    if (!SHARED.has(path)) return [];
    const message = 'is a directory that others use too: all that is in it would be given to the user of the service';
    return [wrong(['server', key], message, { value: server[key], nearest: `${path === '/' ? '' : path}/ims` })];
  });

/** The control socket must be reachable: the system cuts longer paths silently. */
export const controlSocketPath: Rule = ({ server }, { resolved }) => {
  const path = `${resolved.server.run ?? ''}${CONTROL_SOCKET_NAME}`;
  const length = Buffer.byteLength(path);
  if (length <= SOCKET_PATH_MAX) return [];
  const key = server.run === undefined ? 'data' : 'run';
  const message = `makes the path of the control socket ${length} octets long, and the system allows ${SOCKET_PATH_MAX}; set server.run to a short directory such as /run/ims`;
  return [wrong(['server', key], message, { value: path })];
};

/** Health is nobody's business outside this host. */
export const healthOnLoopback: Rule = ({ server }) =>
  server.health === undefined || parseLoopbackPlace(server.health) !== undefined
    ? []
    : [
        wrong(['server', 'health'], 'is no loopback address with a port, and no path of a socket', {
          value: server.health,
          allowed: 'such as 127.0.0.1:8025, [::1]:8025 or /run/ims/health',
        }),
      ];

/** Who may come to the console may change the service: it stays on this host until it speaks TLS itself. */
export const consoleOnLoopback: Rule = ({ server }) => {
  if (server.console === undefined) return [];
  const path = ['server', 'console'];
  if (parseLoopbackPlace(server.console) === undefined)
    return [
      wrong(
        path,
        'is no loopback address with a port, and no path of a socket; from other hosts come by an SSH tunnel (ssh -L 8026:127.0.0.1:8026 this-host) or a reverse proxy with TLS',
        { value: server.console, allowed: 'such as 127.0.0.1:8026, [::1]:8026 or /run/ims/console' },
      ),
    ];
  return server.console === server.health ? [wrong(path, 'is also server.health', { value: server.console })] : [];
};

/** A group without a user would be ignored. */
export const groupNeedsUser: Rule = ({ server }) =>
  server.group !== undefined && server.user === undefined
    ? [wrong(['server', 'group'], 'is given without server.user', { value: server.group })]
    : [];

/** A certificate is of no use without its key. */
export const certificateAndKey: Rule = ({ tls }) => {
  if (tls.certificate !== undefined && tls.key === undefined)
    return [wrong(['tls', 'certificate'], 'is given without tls.key', { value: tls.certificate })];
  if (tls.key !== undefined && tls.certificate === undefined)
    return [wrong(['tls', 'key'], 'is given without tls.certificate', { value: tls.key })];
  return [];
};

/** Acceptance must resume above the floor, or it would flap. */
export const spaceResumeAboveFloor: Rule = ({ queue }) =>
  queue.spaceResume < queue.spaceFloor
    ? [wrong(['queue', 'spaceResume'], 'is less than queue.spaceFloor: mail would be refused and accepted in turn')]
    : [];
