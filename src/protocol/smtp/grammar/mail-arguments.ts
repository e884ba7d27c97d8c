/** The argument of MAIL: `FROM:<reverse-path>` and the parameters of RFC 1870, 6152, 6531, 3461 and 4954. */
import type { BodyType, EnvelopeOptions } from '../../../mail/envelope.ts';
import { needsSmtpUtf8, printPath } from '../../../mail/mailbox.ts';
import { envelopeIdMax } from '../limits.ts';
import { replies } from '../replies.ts';
import { parseMailbox, readPath } from './path.ts';
import { parseParameters, type Parsed, type Parameter } from './parameters.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

/** What MAIL says. */
export interface MailArguments {
  readonly envelope: EnvelopeOptions;
  readonly declaredSize: number | undefined;
}

/** Parameters while they are gathered. */
interface Draft {
  body: BodyType;
  smtpUtf8: boolean;
  declaredSize?: number;
  returned?: 'full' | 'headers';
  envelopeId?: string;
}

/**
 * Reads the argument of MAIL. Against RFC 5321 §3.3: spaces after the colon are borne, as many clients send one.
 * The AUTH parameter (RFC 4954 §5) is checked and not used: no peer is trusted to vouch for a submitter.
 */
export function parseMailArguments(text: string): Parsed<MailArguments> {
  const start = pathStart(text, 'FROM:');
  if (start < 0) return { ok: false, reply: replies.syntax('MAIL FROM:<address> [parameters]') };
  const read = readPath(text, start);
  if (read === undefined || read.path?.domain === '') return { ok: false, reply: replies.senderSyntax };
  const parameters = parseParameters(text.slice(read.end));
  if (!parameters.ok) return parameters;
  const draft: Draft = { body: '7bit', smtpUtf8: false };
  for (const parameter of parameters.value) {
    const problem = take(parameter, draft);
    if (problem === 'unknown') return { ok: false, reply: replies.parameterUnknown(parameter.keyword) };
    if (problem === 'value') return { ok: false, reply: replies.parameterSyntax(parameter.keyword) };
  }
  if (!draft.smtpUtf8 && read.path !== null && needsSmtpUtf8(read.path))
    return { ok: false, reply: replies.senderNotAscii };
  const { declaredSize, ...options } = draft;
  return { ok: true, value: { envelope: { reversePath: read.path, ...options }, declaredSize } };
}

/** Prints the argument of MAIL with the parameters that say something beyond the default. */
export function printMailArguments({ envelope, declaredSize }: MailArguments): string {
  let text = `FROM:${printPath(envelope.reversePath)}`;
  if (declaredSize !== undefined) text += ` SIZE=${declaredSize}`;
  if (envelope.body !== '7bit') text += ` BODY=${envelope.body.toUpperCase()}`;
  if (envelope.smtpUtf8) text += ' SMTPUTF8';
  if (envelope.returned !== undefined) text += ` RET=${envelope.returned === 'full' ? 'FULL' : 'HDRS'}`;
  if (envelope.envelopeId !== undefined) text += ` ENVID=${encodeXtext(envelope.envelopeId)}`;
  return text;
}

/** Where the path begins after `FROM:` or `TO:` and spaces; -1 where the word is not there. */
export function pathStart(text: string, word: string): number {
  if (text.slice(0, word.length).toUpperCase() !== word) return -1;
  let at = word.length;
  while (text.charCodeAt(at) === 32) at += 1;
  return at;
}

function take({ keyword, value }: Parameter, draft: Draft): 'taken' | 'unknown' | 'value' {
  switch (keyword) {
    case 'SIZE':
      if (value === undefined || !/^\d{1,20}$/.test(value)) return 'value';
      draft.declaredSize = Number(value);
      return 'taken';
    case 'BODY': {
      const body = value?.toUpperCase();
      if (body !== '7BIT' && body !== '8BITMIME') return 'value';
      draft.body = body === '7BIT' ? '7bit' : '8bitmime';
      return 'taken';
    }
    case 'SMTPUTF8':
      draft.smtpUtf8 = true;
      return value === undefined ? 'taken' : 'value';
    case 'RET': {
      const returned = value?.toUpperCase();
      if (returned !== 'FULL' && returned !== 'HDRS') return 'value';
      draft.returned = returned === 'FULL' ? 'full' : 'headers';
      return 'taken';
    }
    case 'ENVID': {
      const id = value === undefined || value.length > envelopeIdMax ? undefined : decodeXtext(value);
      if (id === undefined) return 'value';
      draft.envelopeId = id;
      return 'taken';
    }
    case 'AUTH':
      return isSubmitter(value) ? 'taken' : 'value';
    default:
      return 'unknown';
  }
}

function isSubmitter(value: string | undefined): boolean {
  // A submitter beyond ASCII is xtext of octets that make no sense to us, and no reason to refuse the message.
  if (value !== undefined && /\+[89A-F]/.test(value))
    return /^([\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})+$/.test(value);
  const mailbox = value === undefined ? undefined : decodeXtext(value);
  return mailbox !== undefined && (mailbox === '<>' || parseMailbox(mailbox) !== undefined);
}
