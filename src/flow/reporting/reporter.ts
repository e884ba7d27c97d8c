import { errnoOf } from '../../events/fault.ts';
import type { Journal } from '../../events/journal.ts';
import type { EnvelopeOptions, EnvelopeRecipient } from '../../mail/envelope.ts';
import { type Mailbox, printMailbox, printPath } from '../../mail/mailbox.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import { printReply } from '../../mail/reply.ts';
import { writeDsn } from '../../protocol/dsn/write.ts';
import type { ReportingSettings } from '../../settings/reporting.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Claim, NewDelivery, OwedMessage } from '../queue/port.ts';
import { kindOfReport, reportMessageId } from './identity.ts';
import { type Reported, classesOf, delays, failures, successes } from './kinds.ts';
import { REPORT_TARGETS_MAX } from './limits.ts';
import { readOriginal, subjectIn } from './original.ts';
import type { Reporter } from './port.ts';
import { type ReportKind, humanLines, subjectOf } from './words.ts';

/** What a reporter is made of. */
export interface ReporterParts {
  /** The name in Reporting-MTA and in MAILER-DAEMON's address. */
  readonly serverName: string;
  readonly settings: ReportingSettings;
  readonly clock: Pick<Clock, 'wall'>;
  readonly journal: Journal;
  /** Who gets the copies of `copyToPostmaster`. */
  readonly postmaster: Mailbox;
  /** How long attempts to deliver a report go on, in milliseconds. */
  readonly expiryMs: number;
  /** Signs a report; absent where no domain has a key. */
  sign?(content: Buffer): Promise<Buffer>;
  /** The router's: under which key a report waits for its addressee. */
  nextHop(recipient: Mailbox, envelope: EnvelopeOptions): NextHop;
  /** The final addresses behind an address of ours (an alias that sends mail); absent: the address itself. */
  targets?(mailbox: Mailbox): Promise<readonly Mailbox[]>;
}

/** Makes the reporter. */
export function createReporter(parts: ReporterParts): Reporter {
  const { settings, clock, serverName } = parts;

  /** Copies for the postmaster of the recipients in classes that were asked for; never about a copy. */
  const copies = async (claim: Claim, reported: readonly Reported[]): Promise<OwedMessage[]> => {
    if (settings.copyToPostmaster.length === 0 || kindOfReport(claim.messageId, serverName) === 'postmaster') return [];
    const chosen = reported.filter((r) => classesOf(r.recipient).some((c) => settings.copyToPostmaster.includes(c)));
    return chosen.length === 0 ? [] : [await makeReport(parts, claim, 'postmaster', chosen, parts.postmaster)];
  };

  return {
    async owed(claim, outcomes) {
      const nowMs = clock.wall();
      const sender = claim.envelope.reversePath;
      const owed: OwedMessage[] = [];
      const { all, wanted } = failures(claim, outcomes, nowMs);
      // A report about a message with the null reverse-path would be the first step of a loop (RFC 5321 §6.1).
      if (sender === null) {
        for (const { recipient } of all) {
          const reason = recipient.reply === undefined ? recipient.status : printReply(recipient.reply);
          parts.journal.emit('reporting.undeliverable-report-dropped', {
            queueId: claim.queueId,
            recipient: printMailbox(recipient.final),
            reason,
          });
        }
        return copies(claim, all);
      }
      if (wanted.length > 0) owed.push(await makeReport(parts, claim, 'failed', wanted, sender));
      const good = successes(claim, outcomes, nowMs);
      if (good.length > 0) owed.push(await makeReport(parts, claim, 'delivered', good, sender));
      owed.push(...(await copies(claim, all)));
      return owed;
    },

    async delayed(claim, outcomes) {
      const sender = claim.envelope.reversePath;
      const waiting = delays(claim, outcomes, clock.wall());
      if (waiting.length === 0) return [];
      const owed: OwedMessage[] = sender === null ? [] : [await makeReport(parts, claim, 'delayed', waiting, sender)];
      owed.push(...(await copies(claim, waiting)));
      return owed;
    },
  };
}

async function makeReport(
  parts: ReporterParts,
  claim: Claim,
  kind: ReportKind,
  reported: readonly Reported[],
  to: Mailbox,
): Promise<OwedMessage> {
  const nowMs = parts.clock.wall();
  const recipients = reported.map((r) => r.recipient);
  const extent = kind === 'failed' && wholeIsReturned(parts.settings, claim) ? 'full' : 'headers';
  const original = await originalOf(parts.journal, claim, extent);
  const messageId = reportMessageId(
    claim,
    kind,
    reported.map((r) => r.index),
    parts.serverName,
  );
  const written = writeDsn({
    to,
    subject: subjectOf(kind),
    messageId,
    atMs: nowMs,
    originalMessageId: claim.messageId,
    reportingMta: parts.serverName,
    ...(claim.envelope.envelopeId === undefined ? {} : { envelopeId: claim.envelope.envelopeId }),
    arrivedAtMs: claim.arrivedAtMs,
    recipients,
    human: humanLines({
      kind,
      serverName: parts.serverName,
      arrivedAtMs: claim.arrivedAtMs,
      subject: original === undefined ? '' : subjectIn(original),
      sender: printPath(claim.envelope.reversePath),
      recipients,
      expiresAtMs: claim.expiresAtMs,
      returned: original === undefined ? 'nothing' : extent,
    }),
    ...(original === undefined
      ? {}
      : {
          returned: {
            extent,
            content: original,
            eightBit: recipients.some((r) => r.status.endsWith('.6.3')) ? 'avoided' : 'allowed',
          },
        }),
  });
  const envelope: EnvelopeOptions = { reversePath: null, body: written.body, smtpUtf8: written.smtpUtf8 };
  return {
    content: (await parts.sign?.(written.content)) ?? written.content,
    message: {
      envelope,
      edits: [],
      eightBit: written.body === '8bitmime',
      deliveries: await deliveriesTo(parts, to, envelope),
      class: 'normal',
      messageId,
      arrivedAtMs: nowMs,
      expiresAtMs: nowMs + parts.expiryMs,
      dueAtMs: nowMs,
      held: false,
    },
  };
}

/** RFC 3461 §4.3: RET speaks of failures only, every other report returns the header. Our bound comes before FULL. */
function wholeIsReturned(settings: ReportingSettings, claim: Claim): boolean {
  return claim.envelope.returned !== 'headers' && claim.content.sizeBytes <= settings.returnedSizeMax;
}

/** The original's octets; without them the report is still made, because the sender must hear of it. */
async function originalOf(journal: Journal, claim: Claim, extent: 'full' | 'headers'): Promise<Buffer | undefined> {
  try {
    return await readOriginal(claim.content, extent);
  } catch (error) {
    journal.emit('reporting.content-unreadable', {
      queueId: claim.queueId,
      errno: errnoOf(error),
      reason: error instanceof Error ? error.message : String(error),
    });
    return undefined;
  }
}

async function deliveriesTo(parts: ReporterParts, to: Mailbox, envelope: EnvelopeOptions): Promise<NewDelivery[]> {
  const targets = await targetsOf(parts, to);
  const byNextHop = new Map<NextHop, EnvelopeRecipient[]>();
  for (const mailbox of targets.slice(0, REPORT_TARGETS_MAX)) {
    const nextHop = parts.nextHop(mailbox, envelope);
    // NOTIFY=NEVER: nobody is told of the fate of a report (RFC 3461 §6.2).
    const recipient: EnvelopeRecipient = { mailbox, notify: [] };
    const group = byNextHop.get(nextHop);
    if (group === undefined) byNextHop.set(nextHop, [recipient]);
    else group.push(recipient);
  }
  return [...byNextHop].map(([nextHop, recipients]) => ({ nextHop, recipients }));
}

async function targetsOf(parts: ReporterParts, to: Mailbox): Promise<readonly Mailbox[]> {
  if (parts.targets === undefined) return [to];
  try {
    const targets = await parts.targets(to);
    return targets.length === 0 ? [to] : targets;
  } catch (error) {
    parts.journal.emit('reporting.addressee-unresolved', {
      mailbox: printMailbox(to),
      reason: error instanceof Error ? error.message : String(error),
    });
    return [to];
  }
}
