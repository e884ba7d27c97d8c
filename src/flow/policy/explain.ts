import type { Mailbox, ReversePath } from '../../mail/mailbox.ts';
import type { Reply } from '../../mail/reply.ts';
import type { PolicySettings } from '../../settings/policy.ts';
import type { Directory } from '../recipients/port.ts';
import { networkTable } from './networks.ts';
import { createPolicy, type PolicySession } from './policy.ts';

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
}

/** Asks a policy of these settings without leaving a trace: no event, no mail. */
export async function explainPolicy(
  parts: { readonly settings: PolicySettings; readonly directory: Directory },
  { session, sender, recipient }: PolicyQuestion,
): Promise<PolicyAnswer> {
  const { settings, directory } = parts;
  const policy = createPolicy({ settings, directory, journal: { emit: () => undefined } });
  const { clientAddress } = session;
  const decision =
    recipient === undefined ? undefined : await policy.recipient(session, sender, { mailbox: recipient });
  return {
    blockedBy: networkTable(settings.blockedNetworks).match(clientAddress)?.network,
    localBy: networkTable(settings.localNetworks).match(clientAddress)?.network,
    trusted: policy.trusts(clientAddress),
    connection: policy.connection(session),
    sender: await policy.sender(session, { reversePath: sender, body: '7bit', smtpUtf8: false }),
    recipient: decision?.reply,
  };
}
