/**
 * Where mail goes. Reception asks `nextHop` to group recipients, the scheduler asks `route` before each attempt, so a change of
 * configuration or of the DNS takes hold at once. It promises a definite failure only for a definite answer, and never to send mail
 * to this server itself. It never connects, and keeps nothing of any message.
 */
import type { Journal } from '../../events/journal.ts';
import type { EnvelopeOptions, EnvelopeRecipient } from '../../mail/envelope.ts';
import { domainKey } from '../../mail/mailbox.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { expandedHop, type NextHop } from '../../mail/next-hop.ts';
import type { RoutingSettings, SmartHostGroup } from '../../settings/routing.ts';
import type { Random } from '../../world/ports/random.ts';
import type { Way } from '../../transport/port.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { AddressSpaces } from './address-spaces.ts';
import type { AddressSpace } from './address-spaces.ts';
import { loopsToldMax } from './limits.ts';
import { findHosts } from './mx.ts';
import type { Hosts, HostSearch } from './mx.ts';
import { OwnHost } from './own-host.ts';
import type { OwnHostOptions } from './own-host.ts';
import type { RelayTerms, Route, Router } from './port.ts';
import { replies } from './replies.ts';
import { findSmartHosts, type SmartHost, smartHosts } from './smart-hosts.ts';
import type { GatewaysSettings } from '../../settings/gateways.ts';
import {
  greetingWith,
  looksUpAtProxy,
  proxyOfGroup,
  spaceOfDomain,
  waysByChance,
  waysInWords,
  waysOf,
} from './ways.ts';

/** What a router is made of. */
export interface RouterOptions extends Pick<OwnHostOptions, 'serverName' | 'ownAddresses'> {
  readonly resolver: Resolver;
  readonly random: Pick<Random, 'fraction'>;
  readonly settings: RoutingSettings;
  /** Gateways that routes may name beside proxies. */
  readonly gateways?: GatewaysSettings;
  /** The way of mailboxes of ours; undefined for domains that are not (`LocalDirectory.localHop`). */
  readonly localHop: (mailbox: Mailbox) => NextHop | undefined;
  /** Passwords by group name, for groups with a `passwordFile` that was read for them. */
  readonly passwords?: ReadonlyMap<string, string>;
  readonly journal?: Journal;
}

/** A router that also says why. */
export interface ExplainingRouter extends Router {
  /** How mail for a recipient would go now: the rule, the next hop, and its hosts. */
  explain(recipient: Mailbox, envelope: EnvelopeOptions): Promise<RouteExplanation>;
}

/** The way of one recipient, for people. */
export interface RouteExplanation {
  /** 'ours' where the domain is local, the address space that fits, or 'default' (MX). */
  readonly rule:
    | { readonly kind: 'ours' }
    | { readonly kind: 'address-space'; readonly space: AddressSpace }
    | { readonly kind: 'default' };
  readonly nextHop: NextHop;
  readonly route: Route;
}

/** Makes the router of a configuration. */
export function createRouter(options: RouterOptions): ExplainingRouter {
  return new ConfiguredRouter(options);
}

class ConfiguredRouter implements ExplainingRouter {
  readonly #options: RouterOptions;
  readonly #spaces: AddressSpaces;
  readonly #search: HostSearch;
  readonly #groups = new Map<string, ReadyGroup>();
  readonly #looping = new Set<NextHop>();

  constructor(options: RouterOptions) {
    const { settings, resolver, random, serverName, ownAddresses } = options;
    this.#options = options;
    this.#spaces = new AddressSpaces(settings.addressSpaces);
    const own = new OwnHost({ serverName, ownNames: settings.ownNames, ownAddresses });
    this.#search = { resolver, random, own, versions: settings.ipVersions, port: settings.port, namesOnly: false };
  }

  nextHop(recipient: Mailbox, envelope: EnvelopeOptions): NextHop {
    return this.#options.localHop(recipient) ?? hopOf(this.#spaces.find(recipient, envelope.reversePath), recipient);
  }

  belongs(nextHop: NextHop, recipient: EnvelopeRecipient, envelope: EnvelopeOptions): boolean {
    return nextHop === expandedHop || this.nextHop(recipient.mailbox, envelope) === nextHop;
  }

  async route(nextHop: NextHop, envelope: EnvelopeOptions): Promise<Route> {
    const colon = nextHop.indexOf(':');
    const name = nextHop.slice(colon + 1);
    switch (nextHop.slice(0, Math.max(colon, 0))) {
      case 'mx':
        return this.#mx(nextHop, name, envelope);
      case 'host':
      case 'lmtp':
        return this.#group(nextHop, name);
      case 'held':
        return { kind: 'held', reason: `mail for ${name} waits until it is asked for (ETRN) or released` };
      default:
        if (nextHop === expandedHop) return { kind: 'expanded', reason: 'an alias that stands for several addresses' };
        if (nextHop === 'local') return { kind: 'local', reason: 'a mailbox of this server' };
        return {
          kind: 'deferred',
          reply: replies.unusableRoute,
          reason: `the next hop '${nextHop}' is not known to this version`,
        };
    }
  }

  async explain(recipient: Mailbox, envelope: EnvelopeOptions): Promise<RouteExplanation> {
    const nextHop = this.nextHop(recipient, envelope);
    const route = await this.route(nextHop, envelope);
    if (this.#options.localHop(recipient) !== undefined) return { rule: { kind: 'ours' }, nextHop, route };
    const space = this.#spaces.find(recipient, envelope.reversePath);
    return { rule: space === undefined ? { kind: 'default' } : { kind: 'address-space', space }, nextHop, route };
  }

  async #group(nextHop: NextHop, name: string): Promise<Route> {
    const group = Object.hasOwn(this.#options.settings.smartHosts, name)
      ? this.#options.settings.smartHosts[name]
      : undefined;
    if (group === undefined) return unusable(`there is no group '${name}' in routing.smartHosts any more`);
    let ready = this.#groups.get(name);
    if (ready === undefined) {
      ready = readyGroup(this.#options, name, group);
      this.#groups.set(name, ready);
    }
    if ('why' in ready) return unusable(ready.why);
    const { hosts, ways, terms } = ready;
    return this.#relay(nextHop, name, await findSmartHosts(name, hosts, this.#searchBy(ways)), terms);
  }

  async #mx(nextHop: NextHop, domain: string, { reversePath }: EnvelopeOptions): Promise<Route> {
    const { settings, gateways } = this.#options;
    const space = spaceOfDomain(this.#spaces, domain, reversePath);
    const found = waysOf(space?.proxy, settings, gateways);
    if (found.kind === 'missing') return unusable(found.why);
    return this.#relay(
      nextHop,
      domain,
      await findHosts(domain, this.#searchBy(found.ways)),
      by(mxTerms(this.#options, space), greetingWith(space?.heloName, found.ways)),
    );
  }

  #searchBy(ways: readonly Way[]): HostSearch {
    return looksUpAtProxy(ways) ? { ...this.#search, namesOnly: true } : this.#search;
  }

  #relay(nextHop: NextHop, host: string, found: Hosts, terms: RelayTerms): Route {
    if (found.kind === 'hosts') {
      const { proxies = [] } = terms;
      const arranged = by(terms, waysByChance(proxies, this.#options.random));
      return { kind: 'relay', hosts: found.hosts, terms: arranged, reason: `${found.reason}${waysInWords(proxies)}` };
    }
    if (
      found.kind === 'failed' &&
      found.reply === replies.loop &&
      !this.#looping.has(nextHop) &&
      this.#looping.size < loopsToldMax
    ) {
      this.#looping.add(nextHop);
      this.#options.journal?.emit('routing.loop-to-ourselves', { nextHop, host, reason: found.reason });
    }
    return found;
  }
}

/** What the settings alone say of a group, or why it cannot be used. */
type ReadyGroup =
  | { readonly hosts: readonly SmartHost[]; readonly ways: readonly Way[]; readonly terms: RelayTerms }
  | { readonly why: string };

function readyGroup(options: RouterOptions, name: string, group: SmartHostGroup): ReadyGroup {
  if (group.login !== undefined && passwordOf(options, name, group) === undefined)
    return { why: `the password of the group '${name}' is not known` };
  const found = waysOf(proxyOfGroup(group), options.settings, options.gateways);
  if (found.kind === 'missing') return found;
  const { ways } = found;
  const terms = by(groupTerms(options, name, group), greetingWith(group.heloName, ways));
  return { hosts: smartHosts(group), ways, terms };
}

function unusable(reason: string): Route {
  return { kind: 'deferred', reply: replies.unusableRoute, reason };
}

/** The key that a rule gives to a recipient; 'host:' joins all domains of a group into one delivery. */
function hopOf(space: AddressSpace | undefined, recipient: Mailbox): NextHop {
  const via = space?.via ?? 'mx';
  if (via !== 'mx' && via !== 'hold') return `host:${via}`;
  return `${via === 'mx' ? 'mx' : 'held'}:${domainKey(recipient.domain) || recipient.domain}`;
}

function by(terms: RelayTerms, ways: readonly Way[]): RelayTerms {
  return ways.length === 0 ? terms : { ...terms, proxies: ways };
}

function mxTerms({ settings, serverName }: RouterOptions, space: AddressSpace | undefined): RelayTerms {
  const own = ownFace(space, settings, serverName);
  return { protocol: 'smtp', tls: settings.tls, ...own, ...boundsOf(settings) };
}

function passwordOf({ passwords }: RouterOptions, name: string, group: SmartHostGroup): string | undefined {
  return group.login?.password ?? passwords?.get(name);
}

function groupTerms(options: RouterOptions, name: string, group: SmartHostGroup): RelayTerms {
  const { settings, serverName } = options;
  const password = passwordOf(options, name, group);
  const login =
    group.login === undefined || password === undefined ? {} : { login: { user: group.login.user, password } };
  const header = group.proxyHeader === 'none' ? {} : { proxyHeader: group.proxyHeader };
  return {
    protocol: group.protocol,
    tls: group.tls,
    ...login,
    ...header,
    ...ownFace(group, settings, serverName),
    ...boundsOf(group),
  };
}

type Bounds = Pick<RelayTerms, 'connectionsMax' | 'messagesPerConnectionMax' | 'recipientsPerTransactionMax'>;
type Face = Pick<RoutingSettings, 'source4' | 'source6' | 'heloName'>;

/** From which address and with which name mail comes: as its rule or group says, else as for all mail. */
function ownFace(
  own: { readonly [K in keyof Face]: Face[K] | undefined } | undefined,
  all: Face,
  serverName: string,
): Pick<RelayTerms, 'greetingName' | 'source4' | 'source6'> {
  const source4 = own?.source4 ?? all.source4;
  const source6 = own?.source6 ?? all.source6;
  return {
    greetingName: own?.heloName ?? all.heloName ?? serverName,
    ...(source4 === undefined ? {} : { source4 }),
    ...(source6 === undefined ? {} : { source6 }),
  };
}

function boundsOf({ connectionsMax, messagesPerConnectionMax, recipientsPerTransactionMax }: Bounds): Bounds {
  return { connectionsMax, messagesPerConnectionMax, recipientsPerTransactionMax };
}
