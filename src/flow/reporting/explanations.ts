/** What a status means to the person who sent the message, and what that person can do. */
export interface Explanation {
  readonly happened: string;
  readonly advice: string;
}

const row = (happened: string, advice: string): Explanation => ({ happened, advice });
const ASK_THEM =
  'Ask the recipient by another way, and forward this report to the postmaster of the recipient if it should not be so.';
const ADMINISTRATOR =
  'There is nothing you can change about this yourself; forward this report to your own mail administrator.';
const OTHER_MEANS = 'Try again later, or reach the recipient by another way.';

/** By subject and detail of RFC 3463 without class; 'x.y' exact before 'x'. */
const bySubjectAndDetail: Readonly<Record<string, Explanation>> = {
  '1.0': row('The address was not accepted.', 'Check the address for typing errors and send the message again.'),
  '1.1': row(
    'This address does not exist there.',
    'Check the part before the @ for typing errors, or ask the recipient for the address that is valid now.',
  ),
  '1.2': row(
    'No such mail domain exists, or it takes no mail.',
    'Check the part after the @ for typing errors and send the message again.',
  ),
  '1.3': row(
    'The address is not written in a valid form.',
    'Check the address for missing or surplus characters and send the message again.',
  ),
  '1.4': row('The address means more than one mailbox there.', 'Ask the recipient for an unambiguous address.'),
  '1.6': row('The recipient has moved and left no new address.', 'Ask the recipient for the new address.'),
  '1.7': row(
    "The receiving system did not accept the sender's address as valid.",
    'Check the sender address that is set in your mail program.',
  ),
  '1.8': row("The receiving system could not verify the sender's domain.", ADMINISTRATOR),
  '1.10': row(
    'The domain says that it accepts no mail at all.',
    'Check the part after the @ for typing errors, or ask the recipient for another address.',
  ),
  '2.0': row('The mailbox did not take the message.', ASK_THEM),
  '2.1': row('The mailbox exists but is turned off.', 'Ask the recipient by another way which address to use.'),
  '2.2': row(
    'The mailbox of the recipient is full.',
    'Send the message again when the recipient has made room, or tell the recipient by another way.',
  ),
  '2.3': row(
    'The message is larger than this mailbox accepts.',
    'Send a smaller message, for example with a link instead of the attachment.',
  ),
  '2.4': row('A mailing list behind this address could not be expanded.', 'Tell the owner of the mailing list.'),
  '3.1': row('The storage of the receiving system is full.', OTHER_MEANS),
  '3.2': row('The receiving system takes no mail at present.', OTHER_MEANS),
  '3.4': row(
    'The message is larger than the receiving system accepts.',
    'Send a smaller message, for example with a link instead of the attachment.',
  ),
  '4.1': row('The receiving system did not answer.', OTHER_MEANS),
  '4.2': row('The connection to the receiving system broke off.', OTHER_MEANS),
  '4.3': row(
    'The name service (DNS) gave no usable answer for the domain.',
    'Check the part after the @ for typing errors; if it is right, try again later.',
  ),
  '4.4': row('No way to the receiving system is known.', ADMINISTRATOR),
  '4.6': row(
    'The message went round in a circle between mail servers and was stopped.',
    'Forward this report to the postmaster of the recipient: a forwarding there or here leads back to itself.',
  ),
  '4.7': row(
    'The message could not be delivered in the time that is allowed for it; no further attempts will be made.',
    'Check the address. If it is right, send the message again later, or reach the recipient by another way.',
  ),
  '5.3': row(
    'The message has more recipients than the receiving system accepts at once.',
    'Send it to fewer recipients at a time.',
  ),
  '6.1': row(
    'The receiving system does not accept this kind of content.',
    'Send it in another form, for example as plain text.',
  ),
  '6.3': row(
    'The message has 8-bit text, and the receiving system takes only 7-bit text.',
    'Send it again as plain text without accents or with the encoding "quoted-printable".',
  ),
  '6.7': row(
    'An address has characters beyond ASCII, and the receiving system cannot handle them.',
    'Ask the recipient for an address in plain letters, or use such an address of your own as the sender.',
  ),
  '6.8': row(
    'The reply to the message would need international addresses, which the receiving system cannot handle.',
    'Use an address in plain letters.',
  ),
  '7.0': row('The receiving system refused the message by its rules.', ASK_THEM),
  '7.1': row('You are not allowed to send to this address, or the message was refused by a rule there.', ASK_THEM),
  '7.2': row('You are not allowed to send to this mailing list.', 'Ask the owner of the list for the right to post.'),
  '7.7': row('The message was changed or damaged on its way.', 'Send it again.'),
  '7.8': row('Our login at the next mail server was refused.', ADMINISTRATOR),
  '7.10': row('The connection could not be encrypted as it must be.', ADMINISTRATOR),
  '7.20': row('The receiving system asks for a valid DKIM signature, which the message does not have.', ADMINISTRATOR),
  '7.23': row(
    "The receiving system refused the message because our server is not listed for the sender's domain (SPF).",
    ADMINISTRATOR,
  ),
  '7.25': row(
    'The receiving system refused the message because the name of our server could not be verified.',
    ADMINISTRATOR,
  ),
  '7.26': row("The receiving system could not verify that the message comes from the sender's domain.", ADMINISTRATOR),
  '7.27': row(
    "The sender's domain says that it accepts no mail, so the receiving system does not accept mail from it.",
    'Use a sender address that can receive answers.',
  ),
};

/** By the subject alone, for details that are not in the table. */
const bySubject: Readonly<Record<string, Explanation>> = {
  '0': row(
    'The receiving system refused the message without a known reason.',
    'Read what the receiving system said below, and ask the recipient by another way.',
  ),
  '1': row('The address was not accepted.', 'Check the address for typing errors and send the message again.'),
  '2': row('The mailbox did not take the message.', ASK_THEM),
  '3': row('The receiving system could not take the message.', OTHER_MEANS),
  '4': row('The receiving system could not be reached.', OTHER_MEANS),
  '5': row('The two mail servers did not understand each other.', ADMINISTRATOR),
  '6': row(
    'The receiving system cannot handle the content of the message.',
    'Send it in another form, for example as plain text.',
  ),
  '7': row('The receiving system refused the message by its rules.', ASK_THEM),
};

/** The explanation for an enhanced status such as '5.1.1'; there is one for every status. */
export function explain(status: string): Explanation {
  const [, subject = '0', detail = '0'] = status.split('.');
  const found = bySubjectAndDetail[`${subject}.${detail}`] ?? bySubject[subject] ?? bySubject['0'];
  return found ?? row('The message was not delivered.', ASK_THEM);
}

/** All statuses with a sentence of their own, for tests and documentation. */
export const explainedStatuses: readonly string[] = Object.keys(bySubjectAndDetail);
