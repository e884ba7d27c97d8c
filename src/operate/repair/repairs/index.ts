import type { Repair } from '../repair.ts';
import { cleanLines, dropDuplicates, listenWithIpv4, takeConfirmedName } from './configuration.ts';
import { dropDeadPreload, morePorts, probeMtu, raiseLoopback } from './host.ts';
import { raiseLimits } from './limits.ts';
import { askDnsToo, askOthers, openResolvConf } from './names.ts';
import { openDevices, openTables } from './host-files.ts';
import { dropCutRecords, releaseQuarantined, returnQuarantined } from './quarantine.ts';
import { dropDeadSockets } from './service.ts';
import { beginNewSpool, closePrivate, ownData, ownMailboxes } from './storage.ts';
import { nameTheLargest } from './space.ts';
import { startAgain } from './start.ts';
import { closeKey, takeWholeChain } from './tls.ts';

/** Every repair; where several are for one check the first that has steps is taken. */
export const repairs: readonly Repair[] = [
  dropDuplicates,
  cleanLines,
  raiseLoopback,
  morePorts,
  probeMtu,
  dropDeadPreload,
  raiseLimits,
  openResolvConf,
  askOthers,
  takeConfirmedName,
  listenWithIpv4,
  closeKey,
  takeWholeChain,
  ownData,
  ownMailboxes,
  closePrivate,
  dropDeadSockets,
  beginNewSpool,
  askDnsToo,
  openTables,
  openDevices,
  nameTheLargest,
  releaseQuarantined,
  returnQuarantined,
  dropCutRecords,
  startAgain,
];
