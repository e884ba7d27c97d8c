import type { RunningJournal } from '../../operate/journal/journal.ts';
import { createCourier } from '../../flow/delivery/courier.ts';
import type { Courier } from '../../flow/delivery/port.ts';
import { createPolicy, type EtrnOutcome, type Policy } from '../../flow/policy/policy.ts';
import { createPreparation, type Preparation } from '../../flow/preparation/preparation.ts';
import { createSigner } from '../../flow/preparation/signing.ts';
import { createDirectory } from '../../flow/recipients/directory.ts';
import type { Directory } from '../../flow/recipients/port.ts';
import type { Reporter } from '../../flow/reporting/port.ts';
import { createReporter } from '../../flow/reporting/reporter.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import { addressesByPort } from '../../flow/routing/listening.ts';
import { createRewrite } from '../../flow/routing/rewrite.ts';
import { createRouter, type ExplainingRouter } from '../../flow/routing/router.ts';
import type { NextHopBounds } from '../../flow/scheduler/scheduler.ts';
import { parseAddress } from '../../protocol/headers/addresses.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import type { Settings } from '../../settings/index.ts';
import { createDialer } from '../../transport/dialer.ts';
import type { Gateways } from '../../transport/gateway/port.ts';
import type { Dialer } from '../../transport/port.ts';
import type { ProxyHealth } from '../../transport/proxy-health.ts';
import type { TlsServerOptions } from '../../world/ports/network.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { World } from '../../world/world.ts';
import type { Briefing } from '../messages.ts';
import { attemptsWithin, type Descriptors } from './files.ts';
import { type Names, openNames } from './names.ts';
import type { Shares } from './shares.ts';
import type { Tally } from './tally.ts';

/** Everything that one configuration decides. A reload makes a new one; sessions and attempts under way keep theirs. */
export interface Generation {
  readonly number: number;
  readonly names: Pick<Names, 'replaced' | 'close'>;
  /** For hosts to connect to. */
  readonly resolver: Resolver;
  readonly settings: Settings;
  readonly directory: Directory;
  readonly router: ExplainingRouter;
  readonly dialer: Dialer;
  readonly policy: Policy;
  readonly preparation: Preparation;
  readonly courier: Courier;
  readonly reporter: Reporter;
  readonly tls: TlsServerOptions | undefined;
  bounds(nextHop: NextHop): NextHopBounds;
  /** Attempts at once, as far as descriptors are allowed for them. */
  attemptsMax(): number;
  wantMore(nextHop: NextHop, granted: () => void): void;
}

/** What outlives a configuration. */
export interface GenerationParts {
  readonly world: World;
  readonly journal: RunningJournal;
  readonly workers: number;
  readonly shares: Shares;
  readonly gateways: Pick<Gateways, 'dial'>;
  readonly proxies: ProxyHealth;
  readonly tally: Tally;
  readonly ownAddresses: () => readonly string[];
  readonly verifyPassword: (hash: string, password: string) => Promise<boolean>;
  readonly descriptors: Pick<Descriptors, 'limit'>;
  readonly etrn: (domain: string) => Promise<EtrnOutcome>;
  /** Mail that waits for a name may go. */
  readonly goOn: () => void;
}

/** Builds all rooms for a configuration. Throws where something of it cannot be used. */
export function makeGeneration(briefing: Briefing, parts: GenerationParts): Generation {
  const { settings } = briefing;
  const { world, journal, tally } = parts;
  const serverName = settings.server.name;
  const names = openNames(briefing, parts);
  const resolver = names.connecting;
  const directory = createDirectory({
    settings: settings.domains,
    relayDomains: settings.routing.relayDomains,
    serverName,
    ...(settings.reporting.postmaster === undefined ? {} : { postmaster: settings.reporting.postmaster }),
    dataDirectory: settings.server.data,
    maildirTemplate: settings.delivery.maildir,
    passwordVerifier: parts.verifyPassword,
    world,
    journal,
  });
  const router = createRouter({
    resolver,
    random: world.random,
    settings: withGateways(settings),
    gateways: settings.gateways,
    serverName,
    ownAddresses: addressesByPort(settings.listeners, parts.ownAddresses),
    localHop: (mailbox) => directory.localHop(mailbox),
    passwords: new Map(), // the supervisor has filled them in
    journal,
  });
  const rewrite = createRewrite(settings.routing.rewrite);
  const { gateways, proxies: health } = parts;
  const dialer = createDialer({ world, resolver, journal, gateways, health, dialled: tally.dialled });
  const courier = tally.courier(
    createCourier({ world, dialer, settings: settings.delivery, directory, journal, encrypted: tally.encrypted }),
  );
  const { scheduler } = settings;
  const signer = createSigner({ domains: settings.domains, clock: world.clock, journal });
  const policy = createPolicy({
    settings: settings.policy,
    directory,
    journal,
    resolver: names.asked,
    clock: world.clock,
    serverName,
    hasRoute: (mailbox, reversePath) =>
      router.nextHop(mailbox, { reversePath, body: '7bit', smtpUtf8: false }) !== `mx:${mailbox.domain}`,
    etrn: parts.etrn,
  });
  return {
    number: briefing.generation,
    names,
    resolver,
    settings,
    directory,
    router,
    dialer,
    courier,
    policy,
    preparation: createPreparation({
      serverName,
      reception: settings.reception,
      expiryMs: { urgent: scheduler.urgent.expiry, normal: scheduler.normal.expiry, bulk: scheduler.bulk.expiry },
      router,
      clock: world.clock,
      receivedSpf: settings.policy.spf.receivedSpf,
      ...(rewrite === undefined ? {} : { rewrite }),
      ...(signer === undefined ? {} : { signer, trusts: (address) => policy.trusts(address) }),
    }),
    reporter: createReporter({
      serverName,
      settings: settings.reporting,
      clock: world.clock,
      journal,
      postmaster: postmasterOf(settings),
      expiryMs: scheduler.normal.expiry,
      ...(signer === undefined ? {} : { sign: (content) => signer.signOwn(content) }),
      nextHop: (recipient, envelope) => router.nextHop(recipient, envelope),
      targets: async (mailbox) => {
        const resolution = await directory.resolve(mailbox);
        return resolution.kind === 'ours' ? resolution.targets : [mailbox];
      },
    }),
    tls: tlsOf(briefing, world),
    attemptsMax: () => attemptsWithin(parts.descriptors.limit, settings.delivery.attemptsMax),
    bounds: (nextHop) => boundsOf(settings, nextHop, parts),
    wantMore(nextHop, granted) {
      const limit = limitsOf(settings, nextHop).connectionsMax;
      if (nextHop !== 'local') parts.shares.want(connectionsKey(nextHop), limit, Math.ceil(limit / 4), granted);
    },
  };
}

/** A gateway on which we listen is us: mail that its address would take back to us is a loop (RFC 5321 §5.1). */
function withGateways({ routing, gateways }: Settings): Settings['routing'] {
  const faces = Object.values(gateways).filter(({ listen }) => listen.length > 0);
  if (faces.length === 0) return routing;
  const names = faces.flatMap(({ host, publicAddress, heloName }) =>
    [host, publicAddress, heloName].filter((name) => name !== undefined),
  );
  return { ...routing, ownNames: [...routing.ownNames, ...names] };
}

/** The postmaster's mailbox: as configured, else of the first domain, else of this host (RFC 5321 §4.5.1). */
function postmasterOf({ reporting, domains, server }: Settings): Mailbox {
  const configured = reporting.postmaster === undefined ? undefined : parseAddress(reporting.postmaster);
  return configured ?? { localPart: 'postmaster', domain: Object.keys(domains)[0] ?? server.name };
}

function tlsOf(briefing: Briefing, world: World): TlsServerOptions | undefined {
  const { certificate, settings } = briefing;
  if (certificate === undefined) return undefined;
  return {
    context: world.network.tlsContext(certificate.certificatePem, certificate.keyPem),
    timeoutMs: settings.tls.handshakeTimeoutMs,
  };
}

/** The name of the limit that all workers' connections to a next hop have together. */
export function connectionsKey(nextHop: NextHop): string {
  return `connections to ${nextHop}`;
}

/** The next hop of a limit's name. */
export function nextHopOf(key: string): NextHop {
  return key.slice(connectionsKey('').length);
}

/** The limits of a next hop over all workers: those of its smart host group, else those of all MX hosts. */
export function limitsOf(
  { routing }: Settings,
  nextHop: NextHop,
): Pick<Settings['routing'], 'connectionsMax' | 'messagesPerMinuteMax'> {
  const group = /^(?:host|lmtp):(.*)$/.exec(nextHop)?.[1];
  return (group === undefined ? undefined : routing.smartHosts[group]) ?? routing;
}

/** The share of one worker in them. */
function boundsOf(settings: Settings, nextHop: NextHop, { shares, workers }: GenerationParts): NextHopBounds {
  const { connectionsMax, messagesPerMinuteMax } = limitsOf(settings, nextHop);
  return {
    connectionsMax: nextHop === 'local' ? Number.MAX_SAFE_INTEGER : shares.of(connectionsKey(nextHop), connectionsMax),
    messagesPerMinuteMax: messagesPerMinuteMax === undefined ? undefined : messagesPerMinuteMax / workers,
  };
}
