/** The argument of RCPT: `TO:<forward-path>` and the parameters of RFC 3461 §4. */
import type { EnvelopeRecipient, Notify } from '../../../mail/envelope.ts';
import { needsSmtpUtf8, printPath } from '../../../mail/mailbox.ts';
import { decodeEmbedded, encodeEmbedded } from '../../dsn/address.ts';
import { originalRecipientMax } from '../limits.ts';
import { replies } from '../replies.ts';
import { pathStart } from './mail-arguments.ts';
import { parseParameters, type Parsed } from './parameters.ts';
import { readPath } from './path.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

/** Reads the argument of RCPT; the only mailbox without a domain is postmaster (RFC 5321 §4.1.1.3). */
export function parseRcptArguments(text: string, smtpUtf8: boolean): Parsed<EnvelopeRecipient> {
  const start = pathStart(text, 'TO:');
  if (start < 0) return { ok: false, reply: replies.syntax('RCPT TO:<address> [parameters]') };
  const read = readPath(text, start);
  const mailbox = read?.path;
  if (read === undefined || mailbox === null || mailbox === undefined)
    return { ok: false, reply: replies.recipientSyntax };
  if (mailbox.domain === '' && mailbox.localPart.toLowerCase() !== 'postmaster')
    return { ok: false, reply: replies.recipientSyntax };
  const parameters = parseParameters(text.slice(read.end));
  if (!parameters.ok) return parameters;
  let notify: Notify | undefined;
  let original: string | undefined;
  for (const { keyword, value } of parameters.value) {
    if (keyword === 'NOTIFY') notify = parseNotify(value);
    else if (keyword === 'ORCPT') original = parseOriginal(value, smtpUtf8);
    else return { ok: false, reply: replies.parameterUnknown(keyword) };
    if ((keyword === 'NOTIFY' ? notify : original) === undefined)
      return { ok: false, reply: replies.parameterSyntax(keyword) };
  }
  if (!smtpUtf8 && needsSmtpUtf8(mailbox)) return { ok: false, reply: replies.recipientNotAscii };
  return { ok: true, value: { mailbox, ...(notify && { notify }), ...(original !== undefined && { original }) } };
}

/** Prints the argument of RCPT. */
export function printRcptArguments(recipient: EnvelopeRecipient): string {
  let text = `TO:${printPath(recipient.mailbox)}`;
  if (recipient.notify !== undefined)
    text += ` NOTIFY=${recipient.notify.length === 0 ? 'NEVER' : recipient.notify.join(',').toUpperCase()}`;
  if (recipient.original !== undefined) text += ` ORCPT=${printOriginal(recipient.original)}`;
  return text;
}

const CONDITIONS = { SUCCESS: 'success', FAILURE: 'failure', DELAY: 'delay' } as const;

function parseNotify(value: string | undefined): Notify | undefined {
  const words = value?.toUpperCase().split(',', 4) ?? [];
  if (words.length === 1 && words[0] === 'NEVER') return [];
  const notify: Notify[number][] = [];
  for (const word of words) {
    if (word !== 'SUCCESS' && word !== 'FAILURE' && word !== 'DELAY') return undefined;
    if (notify.includes(CONDITIONS[word])) return undefined;
    notify.push(CONDITIONS[word]);
  }
  return notify.length === 0 ? undefined : notify;
}

/**
 * `addr-type ";" xtext`; an address of the type utf-8 has its own way to write what is not ASCII, and with SMTPUTF8 it may
 * hold UTF-8 as it is (RFC 6533 §3, utf-8-addr-unitext).
 */
function parseOriginal(value: string | undefined, smtpUtf8: boolean): string | undefined {
  if (value === undefined || Buffer.byteLength(value) > originalRecipientMax) return undefined;
  const semicolon = value.indexOf(';');
  const type = value.slice(0, Math.max(semicolon, 0));
  if (!/^[A-Za-z0-9-]+$/.test(type) || semicolon + 1 === value.length) return undefined;
  const raw = value.slice(semicolon + 1);
  const beyondAscii = /[^\x00-\x7f]/.test(raw);
  if (type.toLowerCase() === 'utf-8') {
    const address =
      beyondAscii && !smtpUtf8 ? undefined : decodeEmbedded(beyondAscii ? raw : (decodeXtext(raw) ?? '\0'));
    return address === undefined || /[\x00-\x1f\x7f]/.test(address) ? undefined : `${type};${address}`;
  }
  const address = beyondAscii ? undefined : decodeXtext(raw);
  return address === undefined ? undefined : `${type};${address}`;
}

function printOriginal(original: string): string {
  const semicolon = original.indexOf(';');
  const type = original.slice(0, semicolon);
  const address = original.slice(semicolon + 1);
  return `${type};${type.toLowerCase() === 'utf-8' ? encodeEmbedded(address) : encodeXtext(address)}`;
}
