import * as dequeue from './dequeue.ts';
import * as doctor from './doctor.ts';
import * as domains from './domains.ts';
import * as events from './events.ts';
import * as gateways from './gateways.ts';
import * as listeners from './listeners.ts';
import * as networks from './networks.ts';
import * as proxies from './proxies.ts';
import * as routing from './routing.ts';
import type { Rule } from './rule.ts';
import * as scheduler from './scheduler.ts';
import * as server from './server.ts';

/** Every condition between settings, in the order of the file. */
export const rules: readonly Rule[] = [
  server.serverName,
  server.heloNames,
  server.ownDirectories,
  server.controlSocketPath,
  server.healthOnLoopback,
  server.consoleOnLoopback,
  server.groupNeedsUser,
  server.certificateAndKey,
  server.spaceResumeAboveFloor,
  listeners.someListener,
  listeners.listenerAddresses,
  listeners.listenerClashes,
  listeners.submissionNeedsTls,
  listeners.usualPorts,
  proxies.trustedProxies,
  networks.networkSyntax,
  networks.noOpenRelay,
  networks.policyPatterns,
  networks.resolverAddresses,
  networks.resolverZones,
  networks.sourceAddresses,
  networks.ownNameSyntax,
  domains.domainNames,
  domains.localParts,
  domains.aliasTargets,
  domains.aliasesLeadSomewhere,
  domains.passwordHashes,
  domains.senderAddresses,
  domains.dkimSelectors,
  domains.plusCharacter,
  domains.postmasterAddress,
  routing.groupReferences,
  routing.lmtpGroups,
  routing.groupNames,
  routing.groupLogins,
  routing.routingPatterns,
  routing.relayDomainsAreOthers,
  routing.smartHostIsNotUs,
  gateways.gatewayNames,
  gateways.gatewayListeners,
  gateways.gatewayHostKeys,
  proxies.proxyReferences,
  proxies.proxiesOfNames,
  proxies.proxySyntax,
  proxies.proxyLogins,
  proxies.groupSources,
  proxies.spaceSources,
  doctor.outsideLooks,
  dequeue.dequeueEntries,
  dequeue.dequeueDomains,
  dequeue.dequeueLogins,
  dequeue.dequeuePrograms,
  scheduler.retryCurveOrder,
  scheduler.breakerOrder,
  events.levelCategories,
];
