import type { Check } from '../check.ts';
import { configurationLoads } from './configuration.ts';
import { clockPlausible } from './clock.ts';
import { clockFitsSignatures } from './clock-signatures.ts';
import { dataFormats } from './formats.ts';
import { clientsMayWait, ephemeralPorts, fileDescriptors, proxyVariables, serviceUser } from './host.ts';
import { devices, hostsFile, serviceTables, timeZone } from './host-files.ts';
import { noInterposer, preloadThere, reallyBound } from './interposer.ts';
import { addressesPresent, ipv6Available, loopbackUp, mayBindLowPorts, portsOurs } from './listeners.ts';
import { listenersAnswer } from './listeners-answer.ts';
import { serversConfigured, systemLooksUp } from './names.ts';
import { domainsLeadSomewhere, serverNameResolves, zonesValidate } from './names-own.ts';
import { noRewriting, serversAnswer, serversAnswerTcp, serversKnowEdns, someServerResolves } from './names-servers.ts';
import { pathMtu } from './path-mtu.ts';
import { mailHostsLeadHere } from './outside.ts';
import { domainsHaveRecipients, noOpenRelay } from './policy.ts';
import { noLoops, relayRefused } from './policy-tried.ts';
import { proxiesPass } from './proxies.ts';
import { queueSteady } from './queue-growth.ts';
import { recordsIntact } from './queue-records.ts';
import { mailboxesWritable, queueFormat } from './queue.ts';
import { firewallOpen } from './firewall.ts';
import { hostTables, memoryThere, processesAllowed } from './memory.ts';
import { tlsaFits } from './records-dane.ts';
import { dkimFits } from './records-dkim.ts';
import { dmarcValid, mtaStsValid, tlsReportValid } from './records-domain.ts';
import { notListed } from './records-lists.ts';
import { reverseNames, spfCovers } from './records-sender.ts';
import { processLimits } from './resources.ts';
import { routesOpen } from './routes-forbid.ts';
import { mtuSound, networkThere, sourceAddresses } from './routes.ts';
import { serverNameQualified } from './server-name.ts';
import { everythingRuns, instanceLock, serviceAnswers } from './service.ts';
import { loginsTaken } from './smart-host-login.ts';
import { loginsComplete, smartHostsAnswer } from './smart-hosts.ts';
import { dataDirectory, localFileSystem, privateDirectories, space, writableFileSystem } from './storage.ts';
import { storesKnowMailboxes } from './store-mailboxes.ts';
import { storeSockets } from './store-sockets.ts';
import { logSpace, ownersOne, syncWorks } from './storage-works.ts';
import { listenersShakeHands } from './tls-handshake.ts';
import { keyReadable, trustStoreThere } from './tls-use.ts';
import { unitWhole } from './unit.ts';
import { destinationsTake, queueMoves, queueRoom } from './waiting.ts';
import { notIntercepted, portOut } from './ways-out.ts';
import { certificateAndKey, certificateDates, certificateNames, chainWhole, keyMode } from './tls.ts';

/** Every check, each behind those that it waits for. */
export const checks: readonly Check[] = [
  configurationLoads,
  serviceUser,
  ephemeralPorts,
  clientsMayWait,
  fileDescriptors,
  noInterposer,
  proxyVariables,
  clockPlausible,
  clockFitsSignatures,
  networkThere,
  routesOpen,
  processLimits,
  serviceTables,
  hostsFile,
  devices,
  timeZone,
  preloadThere,
  sourceAddresses,
  mtuSound,
  memoryThere,
  processesAllowed,
  hostTables,
  serverNameQualified,
  dataDirectory,
  privateDirectories,
  space,
  writableFileSystem,
  localFileSystem,
  syncWorks,
  ownersOne,
  logSpace,
  queueFormat,
  recordsIntact,
  dataFormats,
  mailboxesWritable,
  serviceAnswers,
  instanceLock,
  loopbackUp,
  ipv6Available,
  addressesPresent,
  mayBindLowPorts,
  portsOurs,
  reallyBound,
  firewallOpen,
  listenersAnswer,
  serversConfigured,
  systemLooksUp,
  serversAnswer,
  someServerResolves,
  serversAnswerTcp,
  serversKnowEdns,
  noRewriting,
  serverNameResolves,
  domainsLeadSomewhere,
  zonesValidate,
  reverseNames,
  spfCovers,
  dkimFits,
  dmarcValid,
  tlsReportValid,
  mtaStsValid,
  tlsaFits,
  notListed,
  certificateAndKey,
  certificateDates,
  certificateNames,
  keyMode,
  everythingRuns,
  unitWhole,
  chainWhole,
  trustStoreThere,
  keyReadable,
  listenersShakeHands,
  storeSockets,
  smartHostsAnswer,
  loginsComplete,
  loginsTaken,
  storesKnowMailboxes,
  portOut,
  notIntercepted,
  pathMtu,
  proxiesPass,
  noOpenRelay,
  domainsHaveRecipients,
  relayRefused,
  noLoops,
  mailHostsLeadHere,
  queueMoves,
  destinationsTake,
  queueRoom,
  queueSteady,
];
