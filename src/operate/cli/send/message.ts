/** What `ims send` writes into a message of its own. */
export interface MessageParts {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly body: string;
  /** Wall time in milliseconds. */
  readonly atMs: number;
  /** Unpredictable text for the Message-ID. */
  readonly unique: string;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A date in the form of RFC 5322 §3.3, in UTC. */
export function headerDate(ms: number): string {
  const date = new Date(ms);
  const time = date.toISOString().slice(11, 19);
  return `${DAYS[date.getUTCDay()] ?? ''}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()} ${time} +0000`;
}

/** Octets of text in one encoded word, so that the word stays within its 75 characters (RFC 2047 §2). */
const WORD_OCTETS = 42;

/** A header text: as it is where it is ASCII, else as encoded words that never split a character. */
export function encodeText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words: string[] = [];
  let word = '';
  for (const character of text.replace(/[\0-\x1f\x7f]+/g, ' ')) {
    if (Buffer.byteLength(word + character) > WORD_OCTETS) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((one) => `=?UTF-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ');
}

/** Composes a plain text message with CRLF line ends. */
export function composeMessage({ from, to, subject, body, atMs, unique }: MessageParts): Buffer {
  const domain = from.slice(from.lastIndexOf('@') + 1) || 'localhost';
  const ascii = /^[\x00-\x7f]*$/.test(body);
  const fields = [
    `Date: ${headerDate(atMs)}`,
    `From: ${from}`,
    `To: ${to.join(',\r\n ')}`,
    `Subject: ${encodeText(subject)}`,
    `Message-ID: <${unique}@${domain}>`,
    'MIME-Version: 1.0',
    `Content-Type: text/plain; charset=${ascii ? 'us-ascii' : 'utf-8'}`,
    `Content-Transfer-Encoding: ${ascii ? '7bit' : '8bit'}`,
  ];
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${crlf(body)}`);
}

/** Text with CRLF line ends, ending with one. */
function crlf(text: string): string {
  const lines = text.replace(/\r\n?|\n/g, '\r\n');
  return lines.endsWith('\r\n') ? lines : `${lines}\r\n`;
}

/** A message from a file: its octets with CRLF line ends. Latin-1 keeps every octet. */
export function messageFromFile(octets: Buffer): Buffer {
  return Buffer.from(crlf(octets.toString('latin1')), 'latin1');
}

/** Doubles the dot at the beginning of a line and adds the final dot (RFC 5321 §4.5.2). */
export function dotStuff(octets: Buffer): Buffer {
  return Buffer.from(`${octets.toString('latin1').replace(/^\./gm, '..')}.\r\n`, 'latin1');
}
