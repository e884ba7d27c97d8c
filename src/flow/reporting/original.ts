import type { Content } from '../queue/port.ts';
import { HEADER_READ_MAX } from './limits.ts';

const SUBJECT_MAX = 300;

/** Reads the whole content where `extent` is full, else as much as holds the header section. */
export async function readOriginal(content: Content, extent: 'full' | 'headers'): Promise<Buffer> {
  if (content.whole !== undefined) return content.whole;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content.chunks()) {
    chunks.push(chunk);
    size += chunk.length;
    if (extent === 'headers' && (size >= HEADER_READ_MAX || Buffer.concat(chunks).includes('\r\n\r\n'))) break;
  }
  return Buffer.concat(chunks, size);
}

/** The Subject of a message for people: unfolded, encoded words decoded (RFC 2047 §2), at most a few hundred characters. */
export function subjectIn(content: Buffer): string {
  const blank = content.indexOf('\r\n\r\n');
  const header = content.subarray(0, Math.min(blank < 0 ? content.length : blank, HEADER_READ_MAX)).toString('utf8');
  const lines = header.split('\r\n');
  const first = lines.findIndex((line) => /^subject[ \t]*:/i.test(line.slice(0, 20)));
  if (first < 0) return '';
  let value = (lines[first] ?? '').slice((lines[first] ?? '').indexOf(':') + 1);
  for (let i = first + 1; i < lines.length && /^[ \t]/.test(lines[i] ?? '') && value.length < 4 * SUBJECT_MAX; i += 1)
    value += lines[i];
  const decoded = decodeWords(value.slice(0, 4 * SUBJECT_MAX)).trim();
  return decoded.length > SUBJECT_MAX ? `${decoded.slice(0, SUBJECT_MAX)}...` : decoded;
}

function decodeWords(text: string): string {
  const joined = text.replace(/\?=[ \t]{1,80}=\?/g, '?==?');
  return joined.replace(
    /=\?([A-Za-z0-9_-]{1,40})\?([BbQq])\?([^?\s]{0,300})\?=/g,
    (whole, charset: string, how: string, words: string) => {
      const octets = how.toUpperCase() === 'B' ? Buffer.from(words, 'base64') : unquote(words);
      try {
        return new TextDecoder(charset).decode(octets);
      } catch {
        // A character set that this machine does not know: the encoded word itself says at least something.
        return whole;
      }
    },
  );
}

function unquote(words: string): Buffer {
  const latin = words
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin, 'latin1');
}
