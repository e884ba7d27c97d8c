/** What a shared library has of its own, and what it only calls (ELF of 64 bits, as the hosts of this service have it). */

const MAGIC = '\x7fELF';
const DYNAMIC_SYMBOLS = 11;
const SYMBOL_BYTES = 24;
const NAME_BYTES_MAX = 64;
const SECTIONS_MAX = 500;
const SYMBOLS_MAX = 100_000;

/** Whether a file, as Latin-1 text, begins as every program and library of the system does. */
export const looksLikeElf = (text: string): boolean => text.startsWith(MAGIC);

interface Section {
  readonly type: number;
  readonly link: number;
  readonly offset: number;
  readonly size: number;
}

/** Which of some names a library defines; undefined where the octets are no such library, or not all of it. */
export function definedIn(elf: Buffer, names: readonly string[]): readonly string[] | undefined {
  try {
    if (!looksLikeElf(elf.toString('latin1', 0, MAGIC.length)) || elf[4] !== 2 || elf[5] !== 1) return undefined;
    const sections = sectionsOf(elf);
    const symbols = sections.find(({ type }) => type === DYNAMIC_SYMBOLS);
    const strings = symbols === undefined ? undefined : sections[symbols.link];
    if (symbols === undefined || strings === undefined) return undefined;
    const found = new Set<string>();
    const count = Math.min(SYMBOLS_MAX, Math.floor(symbols.size / SYMBOL_BYTES));
    for (let index = 0; index < count; index += 1) {
      const at = symbols.offset + index * SYMBOL_BYTES;
      // Without a section it is somebody else's, and only called here.
      if (elf.readUInt16LE(at + 6) === 0) continue;
      found.add(nameAt(elf, strings.offset + elf.readUInt32LE(at)));
    }
    return names.filter((name) => found.has(name));
  } catch {
    return undefined; // cut off, or made to look like one
  }
}

function sectionsOf(elf: Buffer): readonly Section[] {
  const first = Number(elf.readBigUInt64LE(0x28));
  const each = elf.readUInt16LE(0x3a);
  const count = Math.min(SECTIONS_MAX, elf.readUInt16LE(0x3c));
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * each;
    return {
      type: elf.readUInt32LE(at + 4),
      link: elf.readUInt32LE(at + 0x28),
      offset: Number(elf.readBigUInt64LE(at + 0x18)),
      size: Number(elf.readBigUInt64LE(at + 0x20)),
    };
  });
}

function nameAt(elf: Buffer, at: number): string {
  const end = elf.subarray(at, at + NAME_BYTES_MAX).indexOf(0);
  return end === -1 ? '' : elf.toString('latin1', at, at + end);
}
