import type { RecordData, RecordType } from '../ports/resolver.ts';

/** What a zone says about a name and type. CNAMEs are listed in order; the records belong to the last name. */
export type ZoneAnswer =
  | { readonly kind: 'records'; readonly aliases: readonly ZoneRecord[]; readonly records: readonly ZoneRecord[] }
  | { readonly kind: 'no-data'; readonly aliases: readonly ZoneRecord[] }
  | { readonly kind: 'no-such-name'; readonly aliases: readonly ZoneRecord[] }
  /** The name is marked `SERVFAIL`, `REFUSED` or `SILENT`. */
  | { readonly kind: 'fault'; readonly fault: ZoneFault };

/** How a server can fail to answer. */
export type ZoneFault = 'SERVFAIL' | 'REFUSED' | 'SILENT';

/** One record; `data` fits `type`. */
export type ZoneRecord = {
  [T in RecordType]: {
    readonly name: string;
    readonly type: T;
    readonly ttlSeconds: number;
    readonly data: RecordData[T];
  };
}[RecordType];

const ALIASES_MAX = 20;
const DEFAULT_TTL = 300;
const FAULTS: readonly string[] = ['SERVFAIL', 'REFUSED', 'SILENT'] satisfies ZoneFault[];

/** Names and their records, for simulations and tests. */
export class Zone {
  readonly #records = new Map<string, ZoneRecord[]>();
  readonly #names = new Set<string>();
  readonly #faults = new Map<string, ZoneFault>();

  /**
   * Reads lines `name [ttl] [IN] TYPE data` with absolute names; `;` and `#` begin comments. `*.name` is a wildcard (RFC 4592).
   * `name SERVFAIL|REFUSED|SILENT [TYPE]` makes questions about a name (of a type) fail.
   */
  constructor(text: string) {
    for (const [index, line] of text.split('\n').entries()) {
      const words = wordsOf(line);
      if (words.length === 0) continue;
      if (!this.#add(words)) throw new Error(`zone line ${index + 1} is not understood: ${line}`);
    }
  }

  #add(words: readonly string[]): boolean {
    const name = plain(words[0] ?? '');
    let rest = words.slice(1);
    if (FAULTS.includes(rest[0] ?? '')) {
      this.#faults.set(rest[1] === undefined ? name : `${name} ${rest[1]}`, rest[0] as ZoneFault);
      return true;
    }
    let ttlSeconds = DEFAULT_TTL;
    if (/^\d+$/.test(rest[0] ?? '')) {
      ttlSeconds = Number(rest[0]);
      rest = rest.slice(1);
    }
    if (rest[0] === 'IN') rest = rest.slice(1);
    const record = makeRecord(name, ttlSeconds, rest[0] ?? '', rest.slice(1));
    if (record === undefined) return false;
    const key = `${name} ${record.type}`;
    const list = this.#records.get(key);
    if (list === undefined) this.#records.set(key, [record]);
    else list.push(record);
    this.#names.add(name);
    for (let at = name; at !== ''; at = parent(at)) this.#names.add(at);
    return true;
  }

  /** Looks a name up as an authoritative server with recursion would. */
  look(name: string, type: RecordType): ZoneAnswer {
    const aliases: ZoneRecord[] = [];
    let current = plain(name);
    for (;;) {
      const fault = this.#faults.get(`${current} ${type}`) ?? this.#faults.get(current);
      if (fault !== undefined) return { kind: 'fault', fault };
      const owner = this.#owner(current);
      if (owner === undefined) return { kind: 'no-such-name', aliases };
      const records = this.#records.get(`${owner} ${type}`);
      if (records !== undefined)
        return { kind: 'records', aliases, records: records.map((record) => ({ ...record, name: current })) };
      const alias = this.#records.get(`${owner} CNAME`)?.[0];
      if (alias?.type !== 'CNAME') return { kind: 'no-data', aliases };
      aliases.push({ ...alias, name: current });
      if (aliases.length > ALIASES_MAX) return { kind: 'fault', fault: 'SERVFAIL' };
      current = alias.data;
    }
  }

  #owner(name: string): string | undefined {
    if (this.#names.has(name)) return name;
    for (let at = parent(name); at !== ''; at = parent(at)) {
      if (this.#names.has(`*.${at}`)) return `*.${at}`;
      if (this.#names.has(at)) return undefined;
    }
    return undefined;
  }
}

function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/"([^"]*)"|[;#].*|[^\s";#]+/g)) {
    if (match[0].startsWith(';') || match[0].startsWith('#')) break;
    words.push(match[1] ?? match[0]);
  }
  return words;
}

function plain(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

function parent(name: string): string {
  const dot = name.indexOf('.');
  return dot === -1 ? '' : name.slice(dot + 1);
}

function makeRecord(name: string, ttlSeconds: number, type: string, words: readonly string[]): ZoneRecord | undefined {
  const [first, second, third, fourth] = words;
  if (first === undefined) return undefined;
  const base = { name, ttlSeconds };
  switch (type) {
    case 'A':
    case 'AAAA':
      return { ...base, type, data: first };
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return { ...base, type, data: plain(first) };
    case 'MX':
      return second === undefined
        ? undefined
        : { ...base, type, data: { preference: Number(first), exchange: plain(second) } };
    case 'TXT':
      return { ...base, type, data: words.map((word) => Buffer.from(word)) };
    case 'SOA':
      return { ...base, type, data: { primary: plain(first), minimum: Number(words.at(-1)) } };
    case 'TLSA':
      return {
        ...base,
        type,
        data: {
          usage: Number(first),
          selector: Number(second),
          matching: Number(third),
          data: Buffer.from(fourth ?? '', 'hex'),
        },
      };
    default:
      return undefined;
  }
}
