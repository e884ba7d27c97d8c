import type { Reply } from '../../mail/reply.ts';
import { replyReasonMax } from './limits.ts';

/** What routing says about mail that does not go out now, or never (RFC 3463 §3.5, RFC 7505 §4, RFC 7504). */
export const replies = {
  nullMx: reply(556, '1.10', 'the domain does not accept mail (null MX)'),
  noSuchDomain: reply(550, '1.2', "the recipient's domain does not exist"),
  badDomain: reply(550, '1.2', "the recipient's domain is not a valid domain name"),
  noAddress: reply(550, '4.4', "no mail server of the recipient's domain has an address"),
  noMailServer: reply(550, '1.2', "the recipient's domain has neither mail servers nor an address"),
  loop: reply(554, '4.6', 'mail for this domain would come back to this server'),
  smartHostNames: reply(451, '4.4', 'the next hop has no address at the moment'),
  unusableRoute: reply(451, '3.5', 'the route of this message is not usable at the moment'),
  ipVersion: reply(550, '4.4', 'the address cannot be reached with the IP versions in use'),
} as const;

/** The words by which mail is known that waits for the name service. */
export const waitsForNames = ['the name service did not answer', 'the next hop has no address'];

/** The same where the name service failed, with what it said: whose fault it is shows in the queue and in the delay notice. */
export const nameServiceFailed = (reason: string): Reply =>
  reply(
    451,
    '4.3',
    `the name service did not answer about the recipient's domain: ${reason.replace(/[^\x20-\x7e]+/g, '?').slice(0, replyReasonMax)}`,
  );

function reply(code: number, detail: string, text: string): Reply {
  return { code, detail, text: [text] };
}
