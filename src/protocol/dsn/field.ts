import { GENERATED_LINE_MAX, WORD_MAX } from './limits.ts';

/**
 * Words for a field or a line of ours: control characters and line ends become spaces, so that nothing that came
 * from outside can begin a field. Characters beyond ASCII stay where `utf8` says so, else they become '?'.
 */
export function tame(text: string, utf8: boolean): string {
  const plain = text.replace(/[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029]+/g, ' ').replace(/\p{Surrogate}/gu, '\ufffd');
  return (utf8 ? plain : plain.replace(/[^\x20-\x7e]/g, '?')).trim();
}

/**
 * Prints a header field folded at white space (RFC 5322 §2.2.3), with CRLF at its end. A line is longer than 78
 * only where one word is. The value is tamed already.
 */
export function printField(name: string, value: string): string {
  const lines: string[] = [];
  let line = `${name}:`;
  for (const word of value.split(/ +/)) {
    if (word === '') continue;
    const piece = word.length > WORD_MAX ? word.slice(0, WORD_MAX) : word;
    const onlyName = lines.length === 0 && line.length === name.length + 1;
    // A field's first line always has a word: some readers take a line of white space for the end of the header.
    if (!onlyName && Buffer.byteLength(line) + 1 + Buffer.byteLength(piece) > GENERATED_LINE_MAX) {
      lines.push(line);
      line = '';
    }
    line += ` ${piece}`;
  }
  lines.push(line);
  return `${lines.join('\r\n')}\r\n`;
}

/** Wraps a paragraph of plain text; `indent` goes before every line. A word longer than a line stays whole up to a bound. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ +/)) {
    if (word === '') continue;
    const piece = word.length > WORD_MAX ? word.slice(0, WORD_MAX) : word;
    if (line !== '' && line.length + 1 + piece.length + indent.length > width) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? piece : `${line} ${piece}`;
  }
  if (line !== '') lines.push(indent + line);
  return lines;
}
