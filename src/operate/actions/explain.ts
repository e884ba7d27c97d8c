import { z } from 'zod';
import { parseIp } from '../../base/ip.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import type { RoutingSettings } from '../../settings/routing.ts';
import { splitAddress } from '../config/addresses.ts';
import { defineAction, done, refused, results, silentWorkers } from './action.ts';

/** One line of the table of routes. */
export interface RouteRow {
  readonly match: string;
  readonly cost: number | undefined;
  readonly senders: readonly string[];
  readonly via: string;
  /** Where that leads, in words. */
  readonly reason: string;
}

const EXACTNESS = ['address', 'domain', 'below', 'any'] as const;

function exactness(match: string): number {
  const kind = match === '*' ? 'any' : match.startsWith('*.') ? 'below' : match.includes('@') ? 'address' : 'domain';
  return EXACTNESS.indexOf(kind);
}

function reasonOf(via: string, { smartHosts }: RoutingSettings): string {
  if (via === 'mx') return 'the MX hosts of the domain';
  if (via === 'hold') return 'waits for ETRN or release';
  const group = Object.hasOwn(smartHosts, via) ? smartHosts[via] : undefined;
  if (group === undefined) return 'no such group';
  const hosts = [...group.hosts].sort((a, b) => a.preference - b.preference || b.weight - a.weight);
  const words = hosts.map(
    ({ host, port, preference, weight }) => `${host}:${port} (preference ${preference}, weight ${weight})`,
  );
  return `${group.protocol} to ${words.join(', ')}`;
}

/** The routes in the order in which they are looked at: ours, then the most exact, then the cheapest; MX at last. */
export function routeTable(domains: readonly string[], routing: RoutingSettings): readonly RouteRow[] {
  const ours = domains.map((match) => ({
    match,
    cost: undefined,
    senders: [],
    via: 'local',
    reason: 'a domain of ours',
  }));
  const spaces = routing.addressSpaces
    .map(({ match, cost, senders = [], via }) => ({ match, cost, senders, via, reason: reasonOf(via, routing) }))
    .sort(
      (a, b) =>
        exactness(a.match) - exactness(b.match) ||
        b.match.split('.').length - a.match.split('.').length ||
        (a.match < b.match ? -1 : a.match > b.match ? 1 : a.cost - b.cost || b.senders.length - a.senders.length),
    );
  return [
    ...ours,
    ...spaces,
    { match: '(all other)', cost: undefined, senders: [], via: 'mx', reason: reasonOf('mx', routing) },
  ];
}

/** Shows the table of routes. */
export const routes = defineAction({
  name: 'routes',
  summary: 'Shows all routes in the order in which they are looked at.',
  changes: false,
  input: z.strictObject({}),
  run: (context) => {
    const { domains, routing } = context.settings();
    return Promise.resolve(done(routeTable(Object.keys(domains), routing)));
  },
});

function mailboxOf(text: string): Mailbox | undefined {
  const parts = splitAddress(text);
  return parts === undefined ? undefined : { localPart: parts.local, domain: parts.domain.toLowerCase() };
}

/** Explains what a client may do. */
export const policyExplain = defineAction({
  name: 'policy.explain',
  summary: 'Says what a client would be answered, and by which network or rule.',
  changes: false,
  input: z.strictObject({
    client: z.string().min(1).max(45),
    profile: z.enum(['mx', 'submission', 'lmtp']).default('mx'),
    account: z.string().max(320).optional(),
    sender: z.string().max(320).optional(),
    recipient: z.string().max(320).optional(),
  }),
  async run({ workers }, { client, profile, account, sender, recipient }) {
    if (parseIp(client) === undefined) return refused('usage', `'${client}' is not an IP address`);
    const from = sender === undefined || sender === '' || sender === '<>' ? null : mailboxOf(sender);
    const to = recipient === undefined ? undefined : mailboxOf(recipient);
    if (from === undefined) return refused('usage', `'${sender ?? ''}' is not an address`);
    if (recipient !== undefined && to === undefined) return refused('usage', `'${recipient}' is not an address`);
    const session = { profile, clientAddress: client, account };
    const answers = await workers.call('policy.explain', { session, sender: from, recipient: to });
    const first = results(answers)[0];
    return first === undefined
      ? refused('unavailable', `no worker answered: ${silentWorkers(answers).join('; ')}`)
      : done(first);
  },
});
