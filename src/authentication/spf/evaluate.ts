import { parseIp, type IpAddress } from '../../base/ip.ts';
import { expandMacros, expandName, parseMacroString, usesLetter, type MacroString } from '../../protocol/spf/macro.ts';
import { explanationMax } from '../../protocol/spf/limits.ts';
import { isSpf, parseSpf, type Directive, type Mechanism, type SpfRecord } from '../../protocol/spf/record.ts';
import type { Answer, Resolver } from '../../world/ports/resolver.ts';
import { hostsMax, lookupsMax, voidLookupsMax } from './limits.ts';
import { agrees, bestName, isAskable, isWithin, macroValues, validatedNames, type SpfIdentity } from './names.ts';

/** The results of RFC 7208 §2.6. */
export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror';

/** What a check found, and by what. */
export interface SpfVerdict {
  readonly result: SpfResult;
  /** The domain whose record decided: the target of redirect=, where there was one. */
  readonly domain: string;
  readonly record?: string;
  /** The term that decided, as it stands in the record. */
  readonly term?: string;
  /** Why it is temperror or permerror. */
  readonly problem?: string;
  /** What the domain says to a sender who fails. */
  readonly explanation?: string;
  /** Terms that looked something up, of ten. */
  readonly lookups: number;
}

/** What is checked. */
export interface SpfQuestion {
  /** The address that the mail comes from. */
  readonly address: string;
  readonly helo: string;
  /** The reverse-path without brackets; empty for the null one. */
  readonly sender: string;
  /** Our name, and the time in seconds, for explanations only. */
  readonly receiver?: string;
  readonly nowS?: number;
}

type Found = Omit<SpfVerdict, 'lookups'>;

/** A check that cannot go on; caught at its frontier below. */
class Stop extends Error {
  readonly result: 'temperror' | 'permerror';
  readonly term: string | undefined;

  constructor(result: 'temperror' | 'permerror', problem: string, term?: string) {
    super(problem);
    this.result = result;
    this.term = term;
  }
}

const RESULTS = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' } as const;

/** Checks who may send for a domain (RFC 7208 §4). Never rejects. */
export async function checkSpf(resolver: Pick<Resolver, 'query'>, question: SpfQuestion): Promise<SpfVerdict> {
  const sender = question.sender.includes('@') ? question.sender : `postmaster@${question.helo}`;
  const domain = sender.slice(sender.lastIndexOf('@') + 1);
  const ip = parseIp(question.address);
  if (ip === undefined || !isAskable(domain) || !domain.includes('.') || domain.startsWith('['))
    return { result: 'none', domain, lookups: 0 };
  const check = new SpfCheck(resolver, question, { ip, sender, helo: question.helo });
  const found = await check.run(domain);
  return { ...found, lookups: check.lookups };
}

class SpfCheck {
  lookups = 0;
  #voids = 0;
  #validated: Promise<readonly string[]> | undefined;
  readonly #resolver: Pick<Resolver, 'query'>;
  readonly #question: SpfQuestion;
  readonly #identity: SpfIdentity;

  constructor(resolver: Pick<Resolver, 'query'>, question: SpfQuestion, identity: SpfIdentity) {
    this.#resolver = resolver;
    this.#question = question;
    this.#identity = identity;
  }

  async run(domain: string): Promise<Found> {
    try {
      const { explain, ...found } = await this.#check(domain);
      if (found.result !== 'fail' || explain === undefined) return found;
      const explanation = await this.#explain(explain, found.domain);
      return explanation === undefined ? found : { ...found, explanation };
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      return {
        result: error.result,
        domain,
        problem: error.message,
        ...(error.term === undefined ? {} : { term: error.term }),
      };
    }
  }

  async #check(domain: string): Promise<Found & { readonly explain?: MacroString }> {
    const text = await this.#record(domain);
    if (text === undefined) return { result: 'none', domain };
    const parsed = parseSpf(text);
    if (!parsed.ok) throw new Stop('permerror', `the record of ${domain} is not valid: ${parsed.problem}`, parsed.term);
    const { directives, redirect, explanation } = parsed.record;
    const base = { domain, record: text };
    for (const directive of directives)
      if (await this.#matches(directive, domain))
        return {
          ...base,
          result: RESULTS[directive.qualifier],
          term: directive.text,
          ...(explanation === undefined ? {} : { explain: explanation }),
        };
    return redirect === undefined ? { ...base, result: 'neutral' } : this.#redirect(redirect, domain);
  }

  async #redirect(redirect: NonNullable<SpfRecord['redirect']>, domain: string): Promise<Found> {
    this.#count('redirect=');
    const target = await this.#name(redirect, domain);
    const found = isAskable(target) ? await this.#check(target) : undefined;
    if (found === undefined || found.result === 'none')
      throw new Stop('permerror', `redirect= leads to ${target}, which has no SPF record`, `redirect=${target}`);
    return found;
  }

  /** The one SPF record among the TXT records of a domain. */
  async #record(domain: string): Promise<string | undefined> {
    const answer = await this.#resolver.query(domain, 'TXT');
    if (answer.kind === 'failure') throw new Stop('temperror', `TXT of ${domain}: ${answer.reason}`);
    if (answer.kind !== 'records') return undefined;
    const texts = answer.records.map(joined).filter(isSpf);
    if (texts.length > 1)
      throw new Stop('permerror', `${domain} has ${texts.length} SPF records, and only one may be there`);
    return texts[0];
  }

  async #matches({ mechanism, text }: Directive, domain: string): Promise<boolean> {
    const { ip } = this.#identity;
    switch (mechanism.kind) {
      case 'all':
        return true;
      case 'ip4':
        return agrees(ip, { family: 4, value: mechanism.address }, { four: mechanism.bits, six: 0 });
      case 'ip6':
        return agrees(ip, { family: 6, value: mechanism.address }, { four: 0, six: mechanism.bits });
      default:
        this.#count(text);
        return this.#looksUp(mechanism, text, domain);
    }
  }

  async #looksUp(
    mechanism: Exclude<Mechanism, { kind: 'all' | 'ip4' | 'ip6' }>,
    text: string,
    domain: string,
  ): Promise<boolean> {
    const target = mechanism.domain === undefined ? domain : await this.#name(mechanism.domain, domain);
    switch (mechanism.kind) {
      case 'include':
        return this.#includes(target, text);
      case 'exists':
        return (await this.#ask(target, 'A', text)).length > 0;
      case 'a':
        return this.#isAmong(await this.#ask(target, this.#type(), text), mechanism);
      case 'mx':
        return this.#isMxHost(target, mechanism, text);
      case 'ptr': {
        const names = await this.#names(text);
        return names.some((name) => isWithin(name, target.toLowerCase()));
      }
    }
  }

  async #includes(target: string, text: string): Promise<boolean> {
    const { result } = isAskable(target) ? await this.#check(target) : { result: 'none' as const };
    if (result === 'none') throw new Stop('permerror', `${target} has no SPF record to include`, text);
    return result === 'pass';
  }

  async #isMxHost(
    target: string,
    bits: { readonly bits4: number; readonly bits6: number },
    text: string,
  ): Promise<boolean> {
    const hosts = await this.#ask(target, 'MX', text);
    if (hosts.length > hostsMax) throw new Stop('permerror', `${target} has over ${hostsMax} MX hosts`, text);
    for (const { exchange } of hosts) {
      if (!isAskable(exchange)) continue;
      const answer = await this.#resolver.query(exchange, this.#type());
      if (answer.kind === 'failure') throw new Stop('temperror', `addresses of ${exchange}: ${answer.reason}`, text);
      if (answer.kind === 'records' && this.#isAmong(answer.records, bits)) return true;
    }
    return false;
  }

  #type(): 'A' | 'AAAA' {
    return this.#identity.ip.family === 4 ? 'A' : 'AAAA';
  }

  #isAmong(
    addresses: readonly string[],
    { bits4, bits6 }: { readonly bits4: number; readonly bits6: number },
  ): boolean {
    return addresses.some((address) => {
      const ip: IpAddress | undefined = parseIp(address);
      return ip !== undefined && agrees(this.#identity.ip, ip, { four: bits4, six: bits6 });
    });
  }

  /** Looks up for a term. A name that cannot be asked about does not exist (RFC 7208 §4.8). */
  async #ask<T extends 'A' | 'AAAA' | 'MX'>(
    name: string,
    type: T,
    text: string,
  ): Promise<Extract<Answer<T>, { kind: 'records' }>['records']> {
    if (!isAskable(name)) return [];
    const answer = await this.#resolver.query(name, type);
    if (answer.kind === 'failure') throw new Stop('temperror', `${type} of ${name}: ${answer.reason}`, text);
    if (answer.kind === 'records') return answer.records;
    this.#countVoid(text);
    return [];
  }

  async #names(text: string): Promise<readonly string[]> {
    const { names, empty } = await validatedNames(this.#resolver, this.#identity.ip);
    if (empty) this.#countVoid(text);
    this.#validated ??= Promise.resolve(names);
    return names;
  }

  async #name(parts: MacroString, domain: string): Promise<string> {
    return expandName(parts, await this.#values(parts, domain));
  }

  /** The name of the address is looked up only where %{p} asks for it. */
  async #values(parts: MacroString, domain: string): Promise<ReturnType<typeof macroValues>> {
    const more = { receiver: this.#question.receiver ?? 'unknown', nowS: this.#question.nowS ?? 0 };
    if (!usesLetter(parts, 'p')) return macroValues(this.#identity, domain, more);
    this.#validated ??= validatedNames(this.#resolver, this.#identity.ip).then(({ names }) => names);
    return macroValues(this.#identity, domain, { ...more, validated: bestName(await this.#validated, domain) });
  }

  /** The text for senders that fail; whatever is wrong with it, there is none (RFC 7208 §6.2). */
  async #explain(parts: MacroString, domain: string): Promise<string | undefined> {
    const name = await this.#name(parts, domain);
    const answer = isAskable(name) ? await this.#resolver.query(name, 'TXT') : undefined;
    if (answer?.kind !== 'records' || answer.records.length !== 1) return undefined;
    const [text = ''] = answer.records.map(joined);
    const macros = /^[\x20-\x7e]*$/.test(text) ? parseMacroString(text, 'explanation') : undefined;
    if (macros === undefined) return undefined;
    return expandMacros(macros, await this.#values(macros, domain)).slice(0, explanationMax);
  }

  #count(term: string): void {
    this.lookups += 1;
    if (this.lookups > lookupsMax)
      throw new Stop('permerror', `the record needs over ${lookupsMax} look-ups (RFC 7208 §4.6.4)`, term);
  }

  #countVoid(term: string): void {
    this.#voids += 1;
    if (this.#voids > voidLookupsMax)
      throw new Stop('permerror', `over ${voidLookupsMax} of its look-ups find nothing (RFC 7208 §4.6.4)`, term);
  }
}

const joined = (strings: readonly Buffer[]): string => Buffer.concat(strings).toString('latin1');
