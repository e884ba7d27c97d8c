import { isAbsolute, join } from 'node:path';
import { domainKey, type Mailbox } from '../../../mail/mailbox.ts';
import { PATH_COMPONENT_BYTES_MAX } from '../limits.ts';

/**
 * A name from outside as one component of a path: it stays one component, whatever it holds. Letters, digits and a few signs stay;
 * every other octet becomes `%XX`, and so does a dot at the beginning, so that '.', '..' and hidden names cannot be made.
 * Undefined where nothing or too much is left.
 */
export function pathComponent(name: string): string | undefined {
  let out = '';
  for (const octet of Buffer.from(name, 'utf8')) {
    const character = String.fromCharCode(octet);
    const plain = /[A-Za-z0-9_+=@-]/.test(character) || (character === '.' && out !== '');
    out += plain ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
    if (out.length > PATH_COMPONENT_BYTES_MAX) return undefined;
  }
  return out === '' ? undefined : out;
}

/**
 * The directory of a mailbox: `{domain}` and `{mailbox}` of the template stand for the mailbox's parts, in lower case and made safe;
 * a relative path begins at `base`. Undefined where the address cannot name a directory.
 */
export function mailboxPath(template: string, mailbox: Mailbox, base: string): string | undefined {
  const domain = pathComponent(domainKey(mailbox.domain).toLowerCase());
  const name = pathComponent(mailbox.localPart.toLowerCase());
  if (domain === undefined || name === undefined) return undefined;
  const path = template.replaceAll('{domain}', () => domain).replaceAll('{mailbox}', () => name);
  return isAbsolute(path) ? path : join(base, path);
}
