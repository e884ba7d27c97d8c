/** The fields of a header section that a list shows, as a person reads them. */
export interface ShownHeader {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly date: string;
  readonly messageId: string;
}

const WORD_MAX = 1000;

function decodeQ(text: string): Buffer {
  const out: number[] = [];
  for (let i = 0; i < text.length; i += 1) {
    const hex = text[i] === '=' ? text.slice(i + 1, i + 3) : '';
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      out.push(Number.parseInt(hex, 16));
      i += 2;
    } else out.push(text[i] === '_' ? 0x20 : text.charCodeAt(i));
  }
  return Buffer.from(out);
}

function decodeWord(charset: string, encoding: string, text: string): string | undefined {
  const octets = encoding.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : decodeQ(text);
  try {
    return new TextDecoder(charset.replace(/\*.*$/, '')).decode(octets);
  } catch (error) {
    // An unknown charset: the encoded word is shown as it came.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Decodes the encoded words of a field's value (RFC 2047 §2); white space between two of them goes (RFC 2047 §6.2). */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return value;
  const joined = value.replace(/\?=[ \t]{1,200}=\?/g, '?==?');
  return joined.replace(
    /=\?([\w.:*-]{1,60})\?([BbQq])\?([^? ]{0,1000})\?=/g,
    (word, charset: string, encoding: string, text: string) =>
      word.length > WORD_MAX ? word : (decodeWord(charset, encoding, text) ?? word),
  );
}

const CONTROLS = /[\0-\x1f\x7f-\x9f]+/g;

/** Makes a text from a message safe to print on a terminal: control characters become blanks. */
export function printable(text: string): string {
  return text.replace(CONTROLS, ' ').trim();
}

/**
 * Reads the fields that a list shows from the octets of a message. Octets beyond ASCII are taken as UTF-8 (RFC 6532
 * §3.2).
 */
export function shownHeader(octets: Buffer): ShownHeader {
  const text = octets.toString('utf8');
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  const fields = new Map<string, string>();
  for (const line of text
    .slice(0, end)
    .replace(/\r?\n(?=[ \t])/g, '')
    .split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (name !== '' && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  const show = (name: string): string => printable(decodeWords(fields.get(name) ?? ''));
  return {
    from: show('from'),
    to: show('to'),
    subject: show('subject'),
    date: show('date'),
    messageId: show('message-id'),
  };
}
