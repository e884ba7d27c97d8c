/** Text for a comment of a field (RFC 5322 §3.2.2), blanks kept; what would end it, fold it or hide in it becomes '?'. */
export function commentText(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[^\x20-\x27\x2a-\x5b\x5d-\x7e]/g, '?');
}

/** A value that needs no quotes, or a quoted string (RFC 5322 §3.2.4). */
export function quotedUnless(plain: RegExp, text: string): string {
  return plain.test(text) ? text : `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
