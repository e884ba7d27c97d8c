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
