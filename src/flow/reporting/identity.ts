import { createHash } from 'node:crypto';
import type { Claim } from '../queue/port.ts';
import type { ReportKind } from './words.ts';

/** The Message-ID of a report without brackets: the same whenever the same report is made again, and no other's. */
export function reportMessageId(
  claim: Pick<Claim, 'queueId' | 'deliveryId'>,
  kind: ReportKind,
  indexes: readonly number[],
  serverName: string,
): string {
  const sorted = [...indexes].sort((a, b) => a - b).join(',');
  const hash = createHash('sha256').update(`${claim.queueId} ${claim.deliveryId} ${kind} ${sorted}`).digest('hex');
  return `${PREFIX[kind]}${hash.slice(0, 32)}@${serverName}`;
}

const PREFIX: Readonly<Record<ReportKind, string>> = {
  failed: 'dsn-failed.',
  delayed: 'dsn-delayed.',
  delivered: 'dsn-delivered.',
  postmaster: 'dsn-postmaster.',
};

/** The kind of report that a message is by its Message-ID; undefined for other mail. With a name: only for reports of that server. */
export function kindOfReport(messageId: string, serverName?: string): ReportKind | undefined {
  if (serverName !== undefined && !messageId.endsWith(`@${serverName}`)) return undefined;
  if (messageId.startsWith(PREFIX.failed)) return 'failed';
  if (messageId.startsWith(PREFIX.delayed)) return 'delayed';
  if (messageId.startsWith(PREFIX.delivered)) return 'delivered';
  return messageId.startsWith(PREFIX.postmaster) ? 'postmaster' : undefined;
}
