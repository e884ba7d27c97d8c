import { parseCidr } from '../../../base/cidr.ts';
import { defineCheck } from '../check.ts';
import { healthy, notApplicable, row, unhealthy } from '../verdict.ts';

const PRIVATE = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];
/** A network of one's own is hardly larger than this. */
const OWN_IPV4_MAX = 2 ** 16;
const OWN_IPV6_MAX = 2n ** 80n;

/** How far a network reaches into the public Internet. */
export function reach(network: string): 'private' | 'public' | 'everybody' {
  const range = parseCidr(network);
  if (range === undefined) return 'private';
  for (const text of PRIVATE) {
    const own = parseCidr(text);
    if (own?.family === 4 && range.family === 4 && range.first >= own.first && range.last <= own.last) return 'private';
    if (own?.family === 6 && range.family === 6 && range.first >= own.first && range.last <= own.last) return 'private';
  }
  if (range.family === 4) return range.last - range.first + 1 > OWN_IPV4_MAX ? 'everybody' : 'public';
  return range.last - range.first + 1n > OWN_IPV6_MAX ? 'everybody' : 'public';
}

/** Nobody may send to elsewhere without being known. */
export const noOpenRelay = defineCheck({
  id: 'policy.no-open-relay',
  number: 901,
  title: 'Strangers cannot send mail to elsewhere through this server',
  why: 'An open relay is found within hours, and then every block list has this server.',
  needs: ['settings'],
  after: ['configuration.loads'],
  cost: 'host',
  look({ settings }) {
    const networks = settings.policy.localNetworks;
    const relay = settings.routing.relayDomains.filter((domain) => domain === '*' || /^\*\.[a-z]+$/i.test(domain));
    const evidence = [
      ...networks.map((network) =>
        row('policy.localNetworks', 'only networks of your own', `${network} (${reach(network)})`),
      ),
      ...relay.map((domain) => row('routing.relayDomains', 'only domains that you pass mail on for', domain)),
    ];
    const open = networks.filter((network) => reach(network) === 'everybody');
    if (open.length > 0)
      return unhealthy(
        `Everybody in ${open.join(', ')} may send mail to anywhere without a login: this is an open relay.`,
        { cure: 'Take it out of policy.localNetworks (mail programs log in instead), then: ims reload' },
        evidence,
      );
    if (relay.length > 0)
      return unhealthy(
        `Mail from anybody to ${relay.join(', ')} is passed on: this is an open relay.`,
        { cure: 'Name in routing.relayDomains only the domains that you are a backup for, then: ims reload' },
        evidence,
      );
    return healthy(
      evidence.length === 0 ? [row('policy.localNetworks', 'only networks of your own', 'none')] : evidence,
    );
  },
});

/** A domain without recipients refuses everything. */
export const domainsHaveRecipients = defineCheck({
  id: 'policy.domains-have-recipients',
  number: 902,
  title: 'Every domain of ours has a recipient',
  why: 'Mail to a domain without mailboxes, aliases, catch-all and fall-back is refused with 550 5.1.1.',
  needs: ['settings'],
  after: ['configuration.loads'],
  cost: 'host',
  look({ settings }) {
    const domains = Object.entries(settings.domains);
    if (domains.length === 0) return notApplicable('there is no domain of ours');
    const counts = domains.map(([name, one]) => ({
      name,
      recipients:
        Object.keys(one.mailboxes).length +
        Object.keys(one.aliases).length +
        (one.catchAll === undefined ? 0 : 1) +
        (one.fallback === undefined ? 0 : 1),
    }));
    const evidence = counts
      .slice(0, 12)
      .map(({ name, recipients }) =>
        row(`domains.'${name}'`, 'a mailbox, an alias, catchAll or fallback', String(recipients)),
      );
    const empty = counts.filter(({ recipients }) => recipients === 0).map(({ name }) => name);
    if (empty.length === 0) return healthy(evidence);
    return unhealthy(
      `${empty.join(', ')} has no recipients: all mail to it is refused.`,
      { cure: `Add one, such as domains.'${empty[0]}'.mailboxes: { postmaster: {} }, then: ims reload` },
      evidence,
    );
  },
});
