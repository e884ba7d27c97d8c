import type { SimInternet } from '../../src/world/sim/network.ts';
import type { SeededRandom } from '../../src/world/sim/random.ts';
import type { Draft } from './client.ts';
import type { NotifyWish } from './ledger.ts';
import { type Habits, type HostParts, startRemoteHost } from './remote-host.ts';

const PIPELINING = ['PIPELINING', '8BITMIME', 'SIZE 10000000', 'ENHANCEDSTATUSCODES'];
const good = {
  replyMs: [1, 30],
  greylists: 0,
  hangsUp: 0,
  busy: 0,
  defersContent: 0,
  extensions: [...PIPELINING, 'DSN', 'CHUNKING'],
} as const;

/** The domains that take mail in the end, with how their hosts behave. */
export const livingDomains: Readonly<Record<string, Omit<Habits, 'domain'>>> = {
  'good.test': good,
  'plain.test': { ...good, extensions: [] },
  'slow.test': { ...good, replyMs: [200, 6_000], extensions: PIPELINING },
  'grey.test': { ...good, greylists: 2, extensions: PIPELINING },
  'moody.test': { ...good, defersContent: 0.3, busy: 0.3 },
  'flaky.test': { ...good, hangsUp: 0.06, extensions: [...PIPELINING, 'CHUNKING'] },
};

/** Domains of hosts that hand DSN on, so that their senders are told by them. */
export const dsnDomains: ReadonlySet<string> = new Set(
  Object.entries(livingDomains).flatMap(([domain, { extensions }]) => (extensions.includes('DSN') ? [domain] : [])),
);

/** Domains to which nothing can be delivered: dead host, refusing host, broken names, no such name, null MX. */
export const deadDomains = ['dead.test', 'refused.test', 'broken.test', 'nowhere.test', 'null.test'] as const;

/** The mailboxes of the service. */
export const localMailboxes = ['alice', 'bob', 'carol'] as const;

/** The address of the network's name server. */
export const nameServerAddress = '192.0.2.53';

/** What the name server says: every living domain has two hosts. */
export const zone = [
  ...Object.keys(livingDomains).flatMap((domain, i) => [
    `${domain} MX 10 mx1.${domain}`,
    `${domain} MX 20 mx2.${domain}`,
    `mx1.${domain} A 198.51.100.${10 * i + 1}`,
    `mx2.${domain} A 198.51.100.${10 * i + 2}`,
  ]),
  'dead.test MX 10 mx.dead.test',
  'mx.dead.test A 198.51.100.200',
  'refused.test A 198.51.100.201',
  'broken.test SERVFAIL',
  'null.test MX 0 .',
].join('\n');

/** Starts the hosts of all domains. Returns their addresses. */
export function startHosts(parts: HostParts): readonly string[] {
  const addresses: string[] = [];
  for (const [i, [domain, habits]] of Object.entries(livingDomains).entries()) {
    for (const last of [1, 2]) {
      const address = `198.51.100.${10 * i + last}`;
      addresses.push(address);
      startRemoteHost(parts, address, { domain, ...habits });
    }
  }
  parts.internet.addHost('198.51.100.201');
  return addresses;
}

const notifies: readonly [NotifyWish, ...NotifyWish[]] = [
  undefined,
  undefined,
  undefined,
  'NEVER',
  'SUCCESS',
  'FAILURE',
  'SUCCESS,FAILURE,DELAY',
];

/** Draws a message. */
export function drawMessage(random: SeededRandom, number: number): Draft {
  const token = `m${number}`;
  const living = Object.keys(livingDomains) as [string, ...string[]];
  const kind = random.fraction();
  const sender =
    kind < 0.15
      ? ''
      : kind < 0.75
        ? `${random.pick(localMailboxes)}@example.test`
        : `s${number}@${random.pick(['good.test', 'plain.test'])}`;
  const recipients: { address: string; notify: NotifyWish }[] = [];
  const local = new Set<string>();
  for (let i = 0, count = 1 + random.integer(random.chance(0.1) ? 12 : 4); i < count; i += 1) {
    const notify = random.pick(notifies);
    const luck = random.fraction();
    if (luck < 0.25) {
      const name = random.pick(localMailboxes);
      if (!local.has(name)) recipients.push({ address: `${name}@example.test`, notify });
      local.add(name);
    } else if (luck < 0.88) {
      const suffix = random.pick(['', '', '', '', '', 'bad', 'full']);
      recipients.push({ address: `${token}r${i}${suffix}@${random.pick(living)}`, notify });
    } else {
      recipients.push({ address: `${token}r${i}@${random.pick(deadDomains)}`, notify });
    }
  }
  return { token, sender, recipients, bodyBytes: random.chance(0.2) ? random.integer(30_000) : random.integer(1500) };
}

/** Cuts the way of the service to one host, or to all. */
export function cutSomewhere(
  random: SeededRandom,
  internet: SimInternet,
  service: string,
  hosts: readonly string[],
): string {
  const ms = random.between(1_000, random.chance(0.2) ? 400_000 : 30_000);
  if (random.chance(0.3)) {
    for (const host of [...hosts, nameServerAddress]) internet.cut(service, host, ms);
    return `the way to all hosts is cut for ${Math.round(ms)} ms`;
  }
  const [first = '', ...more] = hosts;
  const host = random.pick([first, ...more]);
  internet.cut(service, host, ms);
  return `the way to ${host} is cut for ${Math.round(ms)} ms`;
}
