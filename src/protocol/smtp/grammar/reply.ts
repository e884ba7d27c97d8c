import { enhancedStatus, type Reply } from '../../../mail/reply.ts';
import { replyTextMax } from '../limits.ts';

/** Prints a reply for the wire (RFC 5321 §4.2.1), the enhanced status on each line (RFC 2034 §4). Control and non-ASCII characters become '?'. */
export function writeReply(reply: Reply): string {
  const status = reply.detail === undefined ? '' : `${enhancedStatus(reply)} `;
  const last = reply.text.length - 1;
  if (last < 0) return `${reply.code} ${status}\r\n`;
  let out = '';
  for (const [i, line] of reply.text.entries()) {
    out += `${reply.code}${i === last ? ' ' : '-'}${status}${printable(line)}\r\n`;
  }
  return out;
}

/** What a reply line may hold: longer texts are cut, so that no line exceeds RFC 5321 §4.5.3.1.5. */
function printable(line: string): string {
  const clean = /[^\x20-\x7e]/.test(line) ? line.replace(/[^\x20-\x7e]/g, '?') : line;
  return clean.length > replyTextMax ? clean.slice(0, replyTextMax) : clean;
}
