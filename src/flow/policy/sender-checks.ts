/** What is found out about a sender while its mail comes: SPF, and lists that name the client. It never loses mail. */
import { askLivingList } from '../../authentication/block-list/index.ts';
import { checkSpf, type SpfVerdict } from '../../authentication/spf/index.ts';
import { isInside } from '../../base/address-kinds.ts';
import { cidrSet } from '../../base/cidr.ts';
import { isLoopback, parseIp } from '../../base/ip.ts';
import type { Journal } from '../../events/journal.ts';
import { domainKey, printMailbox, type ReversePath } from '../../mail/mailbox.ts';
import type { Reply } from '../../mail/reply.ts';
import type { SenderCheck } from '../../mail/sender-check.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { PolicySettings } from '../../settings/policy.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { examinationsMax, listSilenceMs, silentChecksMax, silentWaitMs } from './limits.ts';

/** Who sends. */
export interface SenderFacts {
  readonly clientAddress: string;
  readonly greetingName: string;
  readonly reversePath: ReversePath;
}

/** Why a sender is refused. */
export interface SenderRefusal {
  readonly reply: Reply;
  /** Writes the event, once. */
  tell(): void;
}

/** What is being found out; begun at MAIL, while the dialogue goes on. */
export interface Examination {
  /** Undefined where nothing that is asked may refuse. */
  readonly refusal: Promise<SenderRefusal | undefined> | undefined;
  /** Everything, when the last answer is there or the time is over. */
  readonly results: Promise<readonly SenderCheck[]>;
}

/** What the checks need. */
export interface SenderChecksParts {
  readonly settings: Pick<PolicySettings, 'spf' | 'dnsbl' | 'uncheckedNetworks'>;
  readonly resolver: Pick<Resolver, 'query'>;
  readonly clock: Pick<Clock, 'now' | 'wall' | 'after'>;
  readonly serverName: string;
  readonly journal: Journal;
}

type Spf = Extract<SenderCheck, { method: 'spf' }> & { readonly explanation?: string; readonly domain: string };
type Listed = Extract<SenderCheck, { method: 'dnsbl' }> & { readonly refuses: boolean };

/** Makes the checks of one configuration; undefined where there are none. The answer: what is begun for a sender, undefined where nothing is asked. */
export function senderChecks(parts: SenderChecksParts): ((facts: SenderFacts) => Examination | undefined) | undefined {
  const { settings } = parts;
  if (settings.spf.mode === 'off' && settings.dnsbl.length === 0) return undefined;
  const checks = new SenderChecks(parts);
  return (facts) => checks.begin(facts);
}

class SenderChecks {
  readonly #parts: SenderChecksParts;
  readonly #unchecked;
  readonly #lists;
  readonly #toldMs = new Map<string, number>();
  #underWay = 0;
  /** Checks in a row that got no answer in time: the name service is silent. */
  #silent = 0;

  constructor(parts: SenderChecksParts) {
    this.#parts = parts;
    this.#unchecked = cidrSet(parts.settings.uncheckedNetworks);
    this.#lists = parts.settings.dnsbl.map(({ zone, action, answers }) => ({
      zone,
      refuses: action === 'refuse',
      answers: answers === undefined ? undefined : cidrSet(answers),
    }));
  }

  begin(facts: SenderFacts): Examination | undefined {
    const ip = parseIp(facts.clientAddress);
    // A client whose address nobody told, or that is on this host or its gateway, is not for the world's records to judge.
    if (ip === undefined || isLoopback(ip) || this.#unchecked.contains(ip)) return undefined;
    const { mode } = this.#parts.settings.spf;
    const spf = mode === 'off' ? [] : this.#spf(facts);
    const lists = isInside(ip) ? [] : this.#listed(facts.clientAddress);
    if (spf.length + lists.length === 0 && mode === 'off') return undefined;
    const asked = [...lists, ...spf];
    const results = Promise.all(asked).then((found) => found.flatMap((one) => (one === undefined ? [] : [plain(one)])));
    const refusing = [...lists.filter((_, i) => this.#lists[i]?.refuses === true), ...(mode === 'refuse' ? spf : [])];
    return { results, refusal: refusing.length === 0 ? undefined : this.#refusal(facts, refusing) };
  }

  /** The greeting and the reverse-path; the null one is the greeting's (RFC 7208 §2.4). */
  #spf({ clientAddress, greetingName, reversePath }: SenderFacts): Promise<Spf | undefined>[] {
    const out: Promise<Spf | undefined>[] = [];
    const { timeout } = this.#parts.settings.spf;
    const helo = domainKey(greetingName);
    const ask = (identity: Spf['identity'], value: string, sender: string): void => {
      const domain = sender === '' ? helo : sender.slice(sender.lastIndexOf('@') + 1);
      const without = (why: string): Spf => ({ method: 'spf', identity, value, result: 'temperror', why, domain });
      const verdict = (found: SpfVerdict): Spf => {
        const { result, term, problem, explanation } = found;
        const why = problem ?? term ?? '';
        return { method: 'spf', identity, value, result, why, domain, ...(explanation && { explanation }) };
      };
      const question = {
        address: clientAddress,
        helo,
        sender,
        receiver: this.#parts.serverName,
        nowS: Math.floor(this.#parts.clock.wall() / 1000),
      };
      out.push(this.#bounded(() => checkSpf(this.#parts.resolver, question).then(verdict), timeout, without));
    };
    if (isDomain(helo)) ask('helo', helo, '');
    if (reversePath !== null && !reversePath.domain.startsWith('[')) {
      const known = { ...reversePath, domain: domainKey(reversePath.domain) };
      ask('mailfrom', printMailbox(known), `${known.localPart}@${known.domain}`);
    }
    return out;
  }

  #listed(address: string): Promise<Listed | undefined>[] {
    const { resolver, settings } = this.#parts;
    return this.#lists.map(({ zone, refuses, answers }) => {
      const look = async (): Promise<Listed | undefined> => {
        const counts = answers === undefined ? undefined : (code: string): boolean => answers.has(code);
        const listing = await askLivingList(resolver, zone, address, counts);
        if (listing.kind === 'unseen' && listing.refused) this.#unanswered(zone, listing.why);
        if (listing.kind !== 'listed') return undefined;
        return { method: 'dnsbl', zone, code: listing.code, why: listing.why, refuses };
      };
      return this.#bounded<Listed | undefined>(look, settings.spf.timeout, () => undefined);
    });
  }

  /** What is found in time. Look-ups that take longer still count as under way. */
  #bounded<T>(look: () => Promise<T>, longestMs: number, without: (why: string) => T): Promise<T> {
    // A name service that is silent must not slow all mail down by the whole time.
    const ms = this.#silent < silentChecksMax ? longestMs : Math.min(longestMs, silentWaitMs);
    if (this.#underWay >= examinationsMax) return Promise.resolve(without(`${this.#underWay} checks are under way`));
    this.#underWay += 1;
    return new Promise((resolve) => {
      let late = false;
      const timer = this.#parts.clock.after(ms, () => {
        late = true;
        this.#silent += 1;
        resolve(without(`not found out within ${ms} ms`));
      });
      const over = (found: T): void => {
        this.#underWay -= 1;
        if (!late) this.#silent = 0;
        timer.cancel();
        resolve(found);
      };
      // A check that breaks is as one without an answer: it must not cost mail.
      look().then(over, (error: unknown) => over(without(error instanceof Error ? error.message : String(error))));
    });
  }

  async #refusal(
    { clientAddress: client, reversePath }: SenderFacts,
    asked: readonly Promise<Spf | Listed | undefined>[],
  ): Promise<SenderRefusal | undefined> {
    const { journal } = this.#parts;
    const sender = reversePath === null ? '' : printMailbox(reversePath);
    const found = await Promise.all(asked);
    for (const one of found) {
      if (one === undefined) continue;
      if (one.method === 'dnsbl') {
        const { zone, code, why } = one;
        return {
          reply: replies.clientListed(client, zone, why),
          tell: once(() => journal.emit('policy.listed-client-refused', { client, zone, code, why, sender })),
        };
      }
      if (one.result !== 'fail') continue;
      const { domain, explanation, identity, value, why } = one;
      return {
        reply: replies.spfFailed(client, domain, explanation),
        tell: once(() => journal.emit('policy.spf-refused', { client, identity, value, why, sender })),
      };
    }
    return undefined;
  }

  #unanswered(zone: string, why: string): void {
    const now = this.#parts.clock.now();
    const last = this.#toldMs.get(zone);
    if (last !== undefined && now - last < listSilenceMs) return;
    this.#toldMs.set(zone, now);
    this.#parts.journal.emit('policy.list-unanswered', { zone, why });
  }
}

const isDomain = (name: string): boolean =>
  /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/i.test(name) && parseIp(name) === undefined;

function plain(found: Spf | Listed): SenderCheck {
  const { method, why } = found;
  if (method === 'dnsbl') return { method, zone: found.zone, code: found.code, why };
  return { method, identity: found.identity, value: found.value, result: found.result, why };
}

function once(tell: () => void): () => void {
  let told = false;
  return () => {
    if (!told) tell();
    told = true;
  };
}
