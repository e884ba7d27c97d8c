import type { Mailbox, ReversePath } from '../../mail/mailbox.ts';
import { replyKind, type Reply } from '../../mail/reply.ts';
import type { SenderCheck } from '../../mail/sender-check.ts';
import type { PolicySettings } from '../../settings/policy.ts';
import type { Directory } from '../recipients/port.ts';
import { networkTable } from './networks.ts';
import { createPolicy, type Policy, type PolicySession } from './policy.ts';
import type { Examination } from './sender-checks.ts';

/** A client, and what it might ask for. */
export interface PolicyQuestion {
  readonly session: PolicySession;
  readonly sender: ReversePath;
  readonly recipient: Mailbox | undefined;
}

/** What policy would answer, and by which networks. */
export interface PolicyAnswer {
  /** The most specific networks of the settings that hold the client; of the two the narrower wins. */
  readonly blockedBy: string | undefined;
  readonly localBy: string | undefined;
  /** Whether it may relay without a login. */
  readonly trusted: boolean;
  /** The reply in place of the banner, where there is one. */
  readonly connection: Reply | undefined;
  readonly sender: Reply;
  readonly recipient: Reply | undefined;
  /** What was found out about the sender, where it was asked. */
  readonly checks: readonly SenderCheck[];
}

/** Asks a policy of these settings without leaving a trace: no event, no mail. */
export async function explainPolicy(
  parts: {
    readonly settings: PolicySettings;
    readonly directory: Directory;
    /** Looks into senders as the service does. */
    readonly examine?: Policy['examine'];
  },
  { session, sender, recipient }: PolicyQuestion,
): Promise<PolicyAnswer> {
  const { settings, directory } = parts;
  const policy = createPolicy({ settings, directory, journal: { emit: () => undefined } });
  const { clientAddress } = session;
  const envelope = { reversePath: sender, body: '7bit', smtpUtf8: false } as const;
  const answered = async (examination?: Examination): Promise<Reply | undefined> =>
    recipient === undefined
      ? undefined
      : (await policy.recipient({ ...session, examination }, sender, { mailbox: recipient })).reply;
  const plain = await answered();
  const connection = policy.connection(session);
  // Of who is refused anyway nothing need be found out.
  const refused = connection !== undefined || (plain !== undefined && replyKind(plain) !== 'positive');
  const examination = refused ? undefined : parts.examine?.(session, envelope);
  return {
    blockedBy: networkTable(settings.blockedNetworks).match(clientAddress)?.network,
    localBy: networkTable(settings.localNetworks).match(clientAddress)?.network,
    trusted: policy.trusts(clientAddress),
    connection,
    sender: await policy.sender(session, envelope),
    recipient: examination === undefined ? plain : await answered(withoutTrace(examination)),
    checks: (await examination?.results) ?? [],
  };
}

function withoutTrace({ refusal, results }: Examination): Examination {
  return {
    results,
    refusal: refusal?.then((found) => found && { reply: found.reply, tell: () => undefined }),
  };
}
