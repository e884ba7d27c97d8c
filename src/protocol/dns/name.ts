import { labelLengthMax, nameLengthMax } from './limits.ts';

/** Whether the text can be asked about: labels of 1 to 63 octets of visible ASCII, 253 in all (RFC 1035 §2.3.4). The root is ''. */
export function isName(text: string): boolean {
  if (text === '') return true;
  if (text.length > nameLengthMax || !/^[\x21-\x7e]+$/.test(text)) return false;
  return text.split('.').every((label) => label.length > 0 && label.length <= labelLengthMax);
}

/**
 * Whether the name can be that of a host: letters, digits and hyphens in labels that neither begin nor end with a hyphen.
 * A first digit is fine (RFC 1123 §2.1); a name whose last label is a number is not one, it would read as an address.
 */
export function isHostName(text: string): boolean {
  if (text === '' || !isName(text)) return false;
  const labels = text.split('.');
  return (
    labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/i.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
  );
}

/** The name as this program keeps it: lower case, without the final dot, the root ''. */
export function plainName(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}
