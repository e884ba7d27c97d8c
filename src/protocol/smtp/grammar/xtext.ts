/** Decodes xtext (RFC 3461 §4): undefined where it is not valid, or where it hides an octet that is not printable ASCII. */
export function decodeXtext(text: string): string | undefined {
  if (/[^\x21-\x7e]|=/.test(text)) return undefined;
  if (!text.includes('+')) return text;
  let valid = true;
  const decoded = text.replace(/\+([0-9A-F]{2})?/g, (_, hex: string | undefined) => {
    const code = hex === undefined ? -1 : Number.parseInt(hex, 16);
    if (code < 32 || code > 126) valid = false;
    return String.fromCharCode(Math.max(code, 0));
  });
  return valid ? decoded : undefined;
}

/** Encodes printable ASCII as xtext (RFC 3461 §4). */
export function encodeXtext(text: string): string {
  return text.replace(/[^\x21-\x7e]|[+=]/g, (c) => `+${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
