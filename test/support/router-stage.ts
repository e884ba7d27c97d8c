/** A router over zones of text, for the tests of routing. */
import type { EnvelopeOptions } from '../../src/mail/envelope.ts';
import { enhancedStatus } from '../../src/mail/reply.ts';
import type { Mailbox } from '../../src/mail/mailbox.ts';
import type { RoutingSettings, SmartHostGroup } from '../../src/settings/routing.ts';
import type { Random } from '../../src/world/ports/random.ts';
import { zoneResolver } from '../../src/world/sim/resolver.ts';
import type { Route } from '../../src/flow/routing/port.ts';
import { createRouter } from '../../src/flow/routing/router.ts';
import type { RouterOptions } from '../../src/flow/routing/router.ts';

/** Bounds as the settings have them. */
export const bounds = { connectionsMax: 20, messagesPerConnectionMax: 100, recipientsPerTransactionMax: 100 };
/** Routing settings with nothing set. */
export const base: RoutingSettings = {
  proxies: {},
  smartHosts: {},
  addressSpaces: [],
  relayDomains: [],
  rewrite: {},
  ownNames: [],
  tls: 'opportunistic',
  port: 25,
  ipVersions: 'both',
  ...bounds,
};

/** A smart host group. */
export function group(
  hosts: (string | Partial<SmartHostGroup['hosts'][number]>)[],
  over: Partial<SmartHostGroup> = {},
): SmartHostGroup {
  return {
    hosts: hosts.map((host) => ({
      host: '',
      port: 25,
      weight: 1,
      preference: 10,
      ...(typeof host === 'string' ? { host } : host),
    })),
    protocol: 'smtp',
    tls: 'opportunistic',
    proxyHeader: 'none',
    ...bounds,
    ...over,
  };
}

/** Chance that repeats itself. */
export function dice(seed = 1): Random {
  let state = seed;
  return {
    bytes: (count) => Buffer.alloc(count),
    fraction() {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    },
  };
}

/** A router over a zone of text. */
export function make(zone: string, settings: Partial<RoutingSettings> = {}, over: Partial<RouterOptions> = {}) {
  const resolver = zoneResolver(zone);
  const router = createRouter({
    resolver,
    random: dice(),
    settings: { ...base, ...settings },
    serverName: 'mail.own.test',
    ownAddresses: (port) => (port === 25 ? ['192.0.2.25', '2001:db8::25', '0.0.0.0'] : []),
    localHop: ({ domain }) => (domain === 'example.com' ? 'local' : undefined),
    ...over,
  });
  return { resolver, router };
}

/** Takes an address apart. */
export function address(text: string): Mailbox {
  const at = text.lastIndexOf('@');
  return { localPart: text.slice(0, at), domain: text.slice(at + 1) };
}

/** An envelope from a sender. */
export function from(sender: string | null): EnvelopeOptions {
  return { reversePath: sender === null ? null : address(sender), body: '7bit', smtpUtf8: false };
}

/** An envelope from somebody outside. */
export const anybody = from('s@sender.test');
/** An address space. */
export const space = (match: string, via: string, over: { cost?: number; senders?: string[] } = {}) => ({
  match,
  via,
  cost: 1,
  ...over,
});

/** The hosts of a route, or how it ends. */
export function shown(route: Route): string {
  if (route.kind === 'relay') return route.hosts.map((host) => `${host.name}=${host.addresses.join(',')}`).join(' ');
  return 'reply' in route ? `${route.kind} ${route.reply.code} ${enhancedStatus(route.reply)}` : route.kind;
}

/** The route to a domain by MX, as text. */
export async function mx(zone: string, domain = 'to.test', settings: Partial<RoutingSettings> = {}): Promise<string> {
  return shown(await make(zone, settings).router.route(`mx:${domain}`, anybody));
}
