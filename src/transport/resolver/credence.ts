/**
 * Whether the no of a name server is believed. A filter, a portal that wants a login first, or a forwarder that is broken says no to every
 * name, and mail would be returned for it. So a server that says no must lately have known something, or know it when it is asked. It
 * never costs a question as long as answers come; what it keeps is one standing for each server.
 */
import type { Clock } from '../../world/ports/clock.ts';
import type { Answer, RecordType } from '../../world/ports/resolver.ts';
import { doubtMs, knewMs } from './limits.ts';
import type { NameServer } from './name-servers.ts';

/** What a server made of one question. */
export type Said = Exclude<Answer<RecordType>['kind'], 'failure'> | 'refused';

/** A definite no. */
export type Negative = Exclude<Said, 'records' | 'refused'>;

/** What the judgement of servers needs. */
export interface CredenceOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** One question to one server; undefined where it gives neither records nor a no. */
  readonly ask: (server: NameServer, name: string, type: RecordType) => Promise<Said | undefined>;
  /** A label that nobody has used. */
  readonly chance: () => string;
  /** Our own names: what is on this host or beside it may know them and nothing else. */
  readonly own: readonly string[];
}

interface Question {
  readonly name: string;
  readonly type: RecordType;
}

interface Standing {
  knewAtMs: number;
  /** When it last failed at the root too. */
  failedAtMs: number;
  /** The question that it last had records for. */
  known?: Question;
  /** Since when its no is not believed, and about which type. */
  doubt?: { readonly atMs: number; readonly type: RecordType };
  proof?: Promise<boolean>;
}

/** Every host has a reverse name or an address for a portal, whatever is asked: they prove nothing. */
const PROVES_NOTHING: ReadonlySet<RecordType> = new Set(['A', 'AAAA', 'PTR']);

/** Keeps what servers knew, and judges those that say no. */
export class Credence {
  readonly #options: CredenceOptions;
  readonly #standings = new Map<NameServer, Standing>();

  constructor(options: CredenceOptions) {
    this.#options = options;
  }

  /** A server had records. */
  knew(server: NameServer, name: string, type: RecordType): void {
    const standing = this.#of(server);
    if (type === standing.doubt?.type) delete standing.doubt;
    if (PROVES_NOTHING.has(type) || this.#isOwn(name)) return;
    standing.knewAtMs = this.#options.clock.now();
    standing.known = { name, type };
    delete standing.doubt;
  }

  /** A server named the zone that a name would be in: it looks names up. */
  looked(server: NameServer): void {
    const standing = this.#of(server);
    standing.knewAtMs = this.#options.clock.now();
    delete standing.doubt;
  }

  /** Whether the last no of a server was not believed, and it has shown no knowledge since. */
  doubts(server: NameServer): boolean {
    return this.#standings.get(server)?.doubt !== undefined;
  }

  /** Whether to believe the no of a server; `zone` is what it is asked about alone, where it is not asked about everything. */
  async believes(server: NameServer, said: Negative, { name, type }: Question, zone?: string): Promise<boolean> {
    if (!matters(said, type)) return true;
    const standing = this.#of(server);
    const { clock } = this.#options;
    if (clock.now() - standing.knewAtMs <= knewMs) return true;
    if (standing.doubt !== undefined && clock.now() - standing.doubt.atMs < doubtMs) return false;
    standing.proof ??= this.#prove(server, said, { name, type }, zone).finally(() => delete standing.proof);
    if (await standing.proof) {
      standing.knewAtMs = clock.now();
      delete standing.doubt;
      return true;
    }
    standing.doubt = { atMs: clock.now(), type };
    return false;
  }

  /** Whether a server that fails at one name answers about others; else it is the server that fails, and not the name. */
  async answersOthers(server: NameServer, zone?: string): Promise<boolean> {
    const standing = this.#of(server);
    const { ask, clock } = this.#options;
    if (clock.now() - standing.knewAtMs <= knewMs) return true;
    if (clock.now() - standing.failedAtMs < doubtMs) return false;
    const again = (): Promise<Said | undefined> =>
      zone === undefined ? ask(server, '', 'NS') : ask(server, zone, 'SOA');
    // Twice: an answer may be lost.
    const said = (await again()) ?? (await again());
    const fails = said === undefined || said === 'refused';
    if (fails) standing.failedAtMs = clock.now();
    else if (said === 'records') standing.knewAtMs = clock.now();
    return !fails;
  }

  /** The root, which everybody knows; a name that the server must answer otherwise if it tells names apart; what it knew before. */
  async #prove(server: NameServer, said: Negative, { name, type }: Question, zone?: string): Promise<boolean> {
    const { ask, chance } = this.#options;
    const first = await (zone === undefined ? ask(server, '', 'NS') : ask(server, zone, 'SOA'));
    if (first === undefined) return false;
    // Who refuses the root and says no to this name tells names apart: it serves zones of its own.
    if (first === 'records' || first === 'refused') return true;
    const other =
      said === 'no-data' ? `${chance()}.${zone ?? 'invalid'}` : (zone ?? name.slice(name.lastIndexOf('.') + 1));
    const second = other === name ? said : await ask(server, other, type);
    // An address for a name that nobody has is no knowledge.
    if (second !== undefined && second !== said && (second !== 'records' || said === 'no-such-name')) return true;
    const { known } = this.#of(server);
    return known !== undefined && (await ask(server, known.name, known.type)) === 'records';
  }

  #isOwn(name: string): boolean {
    return this.#options.own.some((own) => name === own || name.endsWith(`.${own}`));
  }

  #of(server: NameServer): Standing {
    let standing = this.#standings.get(server);
    if (standing === undefined) {
      standing = { knewAtMs: Number.NEGATIVE_INFINITY, failedAtMs: Number.NEGATIVE_INFINITY };
      this.#standings.set(server, standing);
    }
    return standing;
  }
}

/** Mail is returned for want of a mail server or of an address. Most hosts have no AAAA: that alone returns nothing. */
function matters(said: Negative, type: RecordType): boolean {
  return type === 'MX' || type === 'A' || (type === 'AAAA' && said === 'no-such-name');
}
