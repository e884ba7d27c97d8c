/** Decodes base64 strictly (RFC 4648 §4, with its padding, without white space); undefined where it is not canonical. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || /[^A-Za-z0-9+/=]/.test(text)) return undefined;
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets : undefined;
}

/** Encodes octets, or text as UTF-8, in base64. */
export function encodeBase64(value: Buffer | string): string {
  return (typeof value === 'string' ? Buffer.from(value) : value).toString('base64');
}
