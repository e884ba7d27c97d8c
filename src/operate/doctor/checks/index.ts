import type { Check } from '../check.ts';
import { configurationLoads } from './configuration.ts';
import { clockPlausible, ephemeralPorts, fileDescriptors, noInterposer, proxyVariables, serviceUser } from './host.ts';
import { addressesPresent, ipv6Available, loopbackUp, mayBindLowPorts, portsOurs } from './listeners.ts';
import { listenersAnswer } from './listeners-answer.ts';
import {
  domainsLeadSomewhere,
  noRewriting,
  serverNameResolves,
  serversAnswer,
  serversAnswerTcp,
  serversConfigured,
} from './names.ts';
import { domainsHaveRecipients, noOpenRelay } from './policy.ts';
import { mailboxesWritable, queueFormat } from './queue.ts';
import { networkThere, processLimits } from './resources.ts';
import { everythingRuns, instanceLock, serviceAnswers } from './service.ts';
import { loginsComplete, smartHostsAnswer } from './smart-hosts.ts';
import { dataDirectory, localFileSystem, privateDirectories, space, writableFileSystem } from './storage.ts';
import { certificateAndKey, certificateDates, certificateNames, chainWhole, keyMode } from './tls.ts';

/** Every check, each behind those that it waits for. */
export const checks: readonly Check[] = [
  configurationLoads,
  serviceUser,
  ephemeralPorts,
  fileDescriptors,
  noInterposer,
  proxyVariables,
  clockPlausible,
  networkThere,
  processLimits,
  dataDirectory,
  privateDirectories,
  space,
  writableFileSystem,
  localFileSystem,
  queueFormat,
  mailboxesWritable,
  serviceAnswers,
  instanceLock,
  everythingRuns,
  loopbackUp,
  addressesPresent,
  ipv6Available,
  mayBindLowPorts,
  portsOurs,
  listenersAnswer,
  serversConfigured,
  serversAnswer,
  serversAnswerTcp,
  noRewriting,
  serverNameResolves,
  domainsLeadSomewhere,
  certificateAndKey,
  certificateDates,
  certificateNames,
  keyMode,
  chainWhole,
  smartHostsAnswer,
  loginsComplete,
  noOpenRelay,
  domainsHaveRecipients,
];
