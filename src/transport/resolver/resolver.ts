/**
 * The name service of the program: a stub that asks recursive servers. It is called through `world/ports/resolver.ts` by whoever needs
 * a name; it promises an answer within tries times the time-out (some more where a no is doubted), definite negatives only when a
 * server said so that knows names, and bounded memory.
 * It never appends a search list, never reads the hosts file, never rejects. What it found about servers is told by the events `names.*`.
 */
import { parseIp, isLoopback } from '../../base/ip.ts';
import { Turnstile } from '../../base/turnstile.ts';
import type { Journal } from '../../events/journal.ts';
import { domainKey } from '../../mail/mailbox.ts';
import { readAnswer } from '../../protocol/dns/answer.ts';
import type { Finding } from '../../protocol/dns/answer.ts';
import { printExtendedError, speaksOfDnssec } from '../../protocol/dns/extended-error.ts';
import { aliasesMax } from '../../protocol/dns/limits.ts';
import type { Response } from '../../protocol/dns/message.ts';
import { isName } from '../../protocol/dns/name.ts';
import type { NamesSettings } from '../../settings/names.ts';
import type { Answer, RecordData, RecordType, Resolver } from '../../world/ports/resolver.ts';
import type { World } from '../../world/world.ts';
import { AnswerCache } from './cache.ts';
import { Credence } from './credence.ts';
import type { Said } from './credence.ts';
import { ask } from './exchange.ts';
import { firstGood } from './in-turn.ts';
import type { Overlap } from './in-turn.ts';
import { failureTtlMs, inFlightMax, serversMax, waitingMax } from './limits.ts';
import type { NameServer } from './name-servers.ts';
import { parseNameServer, printNameServer } from './name-servers.ts';
import { ServerHealth } from './server-health.ts';
import { specialAnswer } from './special-names.ts';

/** What a resolver is made of. */
export interface ResolverOptions {
  readonly world: Pick<World, 'network' | 'clock' | 'random'>;
  readonly servers: readonly NameServer[];
  readonly settings: Pick<NamesSettings, 'timeout' | 'tries' | 'cacheMax'>;
  /** Domains that other servers are asked for, with all names below them. */
  readonly zones?: NamesSettings['zones'];
  readonly journal?: Journal;
  /** So long after a question the next one goes out beside it; without it, when that has come to nothing. */
  readonly overlapMs?: number;
  /** Answers are kept at least so long, whatever their TTL. */
  readonly keepMs?: number;
  /** Names of our own. Where they are given, a server that says no to every name is not believed, and the look-up fails. */
  readonly doubting?: { readonly own: readonly string[] };
  /** Hears of every question to a name server, and whether it came to nothing. */
  readonly asked?: (server: string, failed: boolean) => void;
}

/** One step of a look-up: a finding of one server, or why none answered. */
type Step<T extends RecordType> =
  | { readonly finding: Finding<T>; readonly authenticated: boolean; readonly zone?: string }
  | {
      readonly failure: string;
      /** Nothing came back at all. */
      readonly silent?: true;
      /** The server said SERVFAIL and no more: it may be for the signatures of the zone. */
      readonly unexplained?: NameServer;
    };

const SERVFAIL = 2;
const REFUSED = 5;
const RCODES: Readonly<Record<number, string>> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED' };

/** A resolver whose servers may be given up for others. */
export interface StubResolver extends Resolver {
  /** Others take the place of its servers: what was told of them is over. */
  replaced(): void;
}

/** Makes the resolver. Answers are kept for their TTL, equal questions in flight are asked once. */
export function createResolver(options: ResolverOptions): StubResolver {
  return new AskingResolver(options);
}

class AskingResolver implements StubResolver {
  readonly #world: ResolverOptions['world'];
  readonly #settings: ResolverOptions['settings'];
  readonly #health: ServerHealth;
  /** By domain, for those that have servers of their own. */
  readonly #zones = new Map<string, ServerHealth>();
  readonly #cache: AnswerCache<Answer<RecordType>>;
  readonly #inFlight = new Map<string, Promise<Answer<RecordType>>>();
  readonly #asked: NonNullable<ResolverOptions['asked']>;
  readonly #turnstile = new Turnstile(inFlightMax, waitingMax);
  readonly #credence: Credence | undefined;
  readonly #overlap: Overlap | undefined;
  readonly #keepMs: number;

  constructor({
    world,
    servers,
    settings,
    journal,
    asked,
    doubting,
    overlapMs,
    keepMs = 0,
    zones = {},
  }: ResolverOptions) {
    this.#overlap = overlapMs === undefined ? undefined : { ms: overlapMs, clock: world.clock };
    this.#keepMs = keepMs;
    this.#asked = asked ?? (() => undefined);
    this.#world = world;
    this.#settings = settings;
    this.#health = new ServerHealth(servers.slice(0, serversMax), world.clock, journal);
    for (const [zone, texts] of Object.entries(zones)) {
      const own = texts.slice(0, serversMax).flatMap((text) => parseNameServer(text) ?? []);
      this.#zones.set(domainKey(zone.toLowerCase()), new ServerHealth(own, world.clock, journal, 'of a zone'));
    }
    this.#cache = new AnswerCache(settings.cacheMax);
    if (doubting !== undefined)
      this.#credence = new Credence({
        clock: world.clock,
        ask: (server, name, type) => this.#askForProof(server, name, type),
        chance: () => world.random.bytes(8).toString('hex'),
        own: doubting.own,
      });
  }

  query<T extends RecordType>(text: string, type: T): Promise<Answer<T>> {
    const name = nameOf(text);
    if (name === undefined) return Promise.resolve({ kind: 'no-such-name', authenticated: false, ttlSeconds: 0 });
    const special = specialAnswer(name, type);
    if (special !== undefined)
      return Promise.resolve(special.kind === 'loopback' ? loopback(name, special.address) : special);
    const key = `${name} ${type}`;
    const kept = this.#cache.get(key, this.#world.clock.now());
    // Everything under this key was asked for with this type; the maps cannot say so.
    if (kept !== undefined) return Promise.resolve(aged(kept.value as Answer<T>, kept.leftMs));
    const running = this.#inFlight.get(key);
    if (running !== undefined) return running as Promise<Answer<T>>;
    const started = this.#lookUp(name, type).then((answer) => {
      this.#inFlight.delete(key);
      const lifetimeMs = answer.kind === 'failure' ? failureTtlMs : Math.max(answer.ttlSeconds * 1000, this.#keepMs);
      if (lifetimeMs > 0) this.#cache.set(key, answer, this.#world.clock.now() + lifetimeMs);
      return answer;
    });
    this.#inFlight.set(key, started);
    return started;
  }

  replaced(): void {
    for (const health of [this.#health, ...this.#zones.values()]) health.replaced();
  }

  async #lookUp<T extends RecordType>(name: string, type: T): Promise<Answer<T>> {
    if (!(await this.#turnstile.enter()))
      return { kind: 'failure', reason: `over ${waitingMax} look-ups are waiting for name servers` };
    try {
      return await this.#follow(name, type);
    } finally {
      this.#turnstile.leave();
    }
  }

  async #follow<T extends RecordType>(name: string, type: T): Promise<Answer<T>> {
    let target = name;
    let aliases = 0;
    let ttl = Number.POSITIVE_INFINITY;
    let authenticated = true;
    for (;;) {
      const step = await this.#askInTurn(target, type, aliases);
      if ('failure' in step) return { kind: 'failure', reason: step.failure };
      authenticated &&= step.authenticated;
      const { finding } = step;
      if (finding.kind === 'too-many-aliases')
        return { kind: 'failure', reason: `CNAME chain of ${name} longer than ${aliasesMax}` };
      ttl = Math.min(ttl, finding.ttlSeconds);
      if (finding.kind !== 'follow') return { ...finding, ttlSeconds: ttl, authenticated };
      if (!isName(finding.target)) return { kind: 'no-such-name', ttlSeconds: ttl, authenticated };
      target = finding.target;
      aliases = finding.aliases;
    }
  }

  async #askInTurn<T extends RecordType>(name: string, type: T, aliases: number): Promise<Step<T>> {
    const { health, zone } = this.#healthFor(name);
    const order = health.order();
    if (order.length === 0) return { failure: 'no name server is configured' };
    let silent = true;
    const attempt = async (index: number): Promise<Step<T>> => {
      const server = order[index % order.length];
      if (server === undefined) return { failure: '' };
      // Something on the way may drop what is EDNS, or longer than 512 octets: the last questions go without (RFC 6891 §6.2.2).
      const again = index > 0 && index >= Math.min(order.length, this.#settings.tries - 1);
      const step: Step<T> = await this.#askOne(server, health, name, type, aliases, silent && again);
      if ('finding' in step && (await this.#isBelieved(server, health, step, { name, type, zone }))) return step;
      const failed = 'finding' in step ? { failure: disbelief(server, step.finding.kind, name) } : step;
      silent &&= failed.silent === true;
      return failed;
    };
    const last = await firstGood(this.#settings.tries, attempt, (step) => 'finding' in step, this.#overlap);
    if ('finding' in last) return last;
    if (last.unexplained !== undefined && (await this.#isBogus(last.unexplained, health, name, type)))
      return { failure: `${last.failure}: DNSSEC validation of ${name} fails (without it the server answers)` };
    return last;
  }

  /** Whose answer counts for a name: of the longest zone that it is in. */
  #healthFor(name: string): { readonly health: ServerHealth; readonly zone?: string } {
    if (this.#zones.size === 0) return { health: this.#health };
    for (let rest = name; ; rest = rest.slice(rest.indexOf('.') + 1)) {
      const found = this.#zones.get(rest);
      if (found !== undefined) return { health: found, zone: rest };
      if (!rest.includes('.')) return { health: this.#health };
    }
  }

  /** Whether a server that says no can show that it knows any name. */
  async #isBelieved<T extends RecordType>(
    server: NameServer,
    health: ServerHealth,
    { finding: { kind }, authenticated, zone: from = '' }: Extract<Step<T>, { finding: unknown }>,
    { name, type, zone }: { readonly name: string; readonly type: T; readonly zone: string | undefined },
  ): Promise<boolean> {
    const credence = this.#credence;
    if (credence !== undefined && (kind === 'no-such-name' || kind === 'no-data') && !authenticated) {
      // Whoever names the zone that the name would be in has looked (RFC 2308 §2); who only refuses has none to name, or the name itself.
      const looked = from !== '' && name.endsWith(`.${from}`);
      if (looked) credence.looked(server);
      if (!looked && !(await credence.believes(server, kind, { name, type }, zone))) {
        health.failed(server, disbelief(server, kind, name));
        return false;
      }
    } else credence?.knew(server, name, type);
    if (credence?.doubts(server) !== true) health.answered(server);
    return true;
  }

  /** One question that a server must show its knowledge by. */
  async #askForProof(server: NameServer, name: string, type: RecordType): Promise<Said | undefined> {
    const edns = [this.#health, ...this.#zones.values()].every((health) => health.edns(server));
    const { timeout } = this.#settings;
    const exchange = await ask({ world: this.#world, server, name, type, edns, timeoutMs: timeout });
    const answers = exchange.kind === 'response' && [0, 3].includes(exchange.response.rcode);
    this.#asked(printNameServer(server), !answers);
    if (exchange.kind === 'response' && exchange.response.rcode === REFUSED) return 'refused';
    if (!answers) return undefined;
    const { kind } = readAnswer(exchange.response, name, type);
    return kind === 'no-such-name' || kind === 'no-data' ? kind : 'records';
  }

  async #askOne<T extends RecordType>(
    server: NameServer,
    health: ServerHealth,
    name: string,
    type: T,
    aliases: number,
    plain: boolean,
  ): Promise<Step<T>> {
    const base = { world: this.#world, server, name, type, timeoutMs: this.#settings.timeout };
    const edns = !plain && health.edns(server);
    let exchange = await ask({ ...base, edns });
    if (edns && exchange.kind === 'response' && (exchange.response.rcode === 1 || exchange.response.rcode === 4)) {
      exchange = await ask({ ...base, edns: false });
      if (exchange.kind === 'response' && (exchange.response.rcode === 0 || exchange.response.rcode === 3))
        health.refusedEdns(server);
    }
    if (exchange.kind === 'failed') {
      this.#asked(printNameServer(server), true);
      health.failed(server, exchange.reason, 'silent');
      return { failure: exchange.reason, silent: true };
    }
    const { response } = exchange;
    this.#asked(printNameServer(server), response.rcode !== 0 && response.rcode !== 3);
    if (response.rcode !== 0 && response.rcode !== 3) {
      const reason = refusalOf(server, name, response);
      // SERVFAIL speaks of the name, all else of the server: REFUSED, and FORMERR or NOTIMP also without EDNS.
      if (response.rcode !== SERVFAIL) health.refused(server, reason);
      else if ((await this.#credence?.answersOthers(server, this.#healthFor(name).zone)) === false)
        health.failed(server, `${reason}, which fails for every name, also for the root`);
      else if (this.#credence?.doubts(server) !== true) health.answered(server);
      const silent = response.rcode === SERVFAIL && response.errors === undefined;
      return { failure: reason, ...(silent ? { unexplained: server } : {}) };
    }
    if (response.referral === true) {
      const reason = `${printNameServer(server)} does not look up names for us: it only refers to other servers`;
      health.failed(server, reason);
      return { failure: reason };
    }
    return {
      finding: readAnswer(response, name, type, aliases),
      authenticated: response.authenticated && isTrusted(server),
      ...(response.negativeZone === undefined ? {} : { zone: response.negativeZone }),
    };
  }

  /**
   * Wrong signatures are told apart from other failures: without validation an answer comes (RFC 4035 §3.2.2), and with it there is
   * still none. A server that only had a bad moment answers both.
   */
  async #isBogus(server: NameServer, health: ServerHealth, name: string, type: RecordType): Promise<boolean> {
    const base = { world: this.#world, server, name, type, timeoutMs: this.#settings.timeout };
    const edns = health.edns(server);
    const [unchecked, again] = await Promise.all([ask({ ...base, edns, dnssec: 'unchecked' }), ask({ ...base, edns })]);
    if (unchecked.kind !== 'response' || (unchecked.response.rcode !== 0 && unchecked.response.rcode !== 3))
      return false;
    return again.kind === 'response' && again.response.rcode === SERVFAIL;
  }
}

/** A refusal in words, with what the server says of it (RFC 8914). */
function refusalOf(server: NameServer, name: string, { rcode, errors = [] }: Response): string {
  const text = `${RCODES[rcode] ?? `RCODE ${rcode}`} from ${printNameServer(server)}`;
  const said = errors.map(printExtendedError).join('; ');
  if (speaksOfDnssec(errors)) return `${text}: DNSSEC validation of ${name} fails (${said})`;
  return said === '' ? text : `${text} (${said})`;
}

/** Why the no of a server is not taken for one. */
function disbelief(server: NameServer, said: string, name: string): string {
  const what = said === 'no-such-name' ? 'NXDOMAIN' : 'an empty answer';
  return `${what} for ${name} from ${printNameServer(server)}, which knows no other name either, not even the root: it is not believed`;
}

/** The AD bit of a server on this machine cannot have been changed on its way (RFC 4035 §4.9.3). */
function isTrusted(server: NameServer): boolean {
  const ip = parseIp(server.address);
  return ip !== undefined && isLoopback(ip);
}

function nameOf(text: string): string | undefined {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  const name = /^[\x21-\x7e]*$/.test(bare) ? bare.toLowerCase() : domainKey(bare);
  return name !== '' && isName(name) ? name : undefined;
}

function loopback<T extends RecordType>(name: string, address: string): Answer<T> {
  // Only the types A and AAAA come here, and an address is the data of both.
  return {
    kind: 'records',
    records: [address as RecordData[T]],
    canonicalName: name,
    ttlSeconds: 86_400,
    authenticated: false,
  };
}

function aged<T extends RecordType>(answer: Answer<T>, leftMs: number): Answer<T> {
  return answer.kind === 'failure' ? answer : { ...answer, ttlSeconds: Math.ceil(leftMs / 1000) };
}
