import { domainKey } from '../../mail/mailbox.ts';
import type { Mailbox, ReversePath } from '../../mail/mailbox.ts';
import type { RoutingSettings } from '../../settings/routing.ts';

/** A rule about which mail goes which way, with its place in the configuration. */
export interface AddressSpace {
  readonly index: number;
  readonly match: string;
  readonly cost: number;
  readonly via: string;
  /** How exactly it fits, for people. */
  readonly exactness: 'address' | 'domain' | 'below a domain' | 'any';
  readonly senders: readonly string[] | undefined;
  readonly proxy: RoutingSettings['proxy'];
  readonly source4: string | undefined;
  readonly source6: string | undefined;
  /** The name to greet with. */
  readonly heloName: string | undefined;
}

/** Rules by what they match, cheapest first. Look-ups take as many steps as the domain has labels. */
export class AddressSpaces {
  readonly #addresses = new Map<string, AddressSpace[]>();
  readonly #domains = new Map<string, AddressSpace[]>();
  readonly #below = new Map<string, AddressSpace[]>();
  readonly #any: AddressSpace[] = [];

  constructor(spaces: RoutingSettings['addressSpaces']) {
    for (const [index, space] of spaces.entries()) {
      const { match, cost, via, senders, proxy, source4, source6, heloName } = space;
      const way = { proxy, source4, source6, heloName };
      const base = { index, match, cost, via, senders: senders?.map(patternKey), ...way };
      if (match === '*') this.#any.push({ ...base, exactness: 'any' });
      else if (match.startsWith('*.'))
        put(this.#below, domainKey(match.slice(2).toLowerCase()), { ...base, exactness: 'below a domain' });
      else if (match.includes('@')) put(this.#addresses, patternKey(match), { ...base, exactness: 'address' });
      else put(this.#domains, domainKey(match.toLowerCase()), { ...base, exactness: 'domain' });
    }
    for (const list of [...this.#addresses.values(), ...this.#domains.values(), ...this.#below.values(), this.#any]) {
      // Of equal costs the one with a scope is the more exact; then the configuration's order decides.
      list.sort(
        (a, b) =>
          a.cost - b.cost || Number(b.senders !== undefined) - Number(a.senders !== undefined) || a.index - b.index,
      );
    }
  }

  /**
   * The rule for a recipient and sender: whole address, exact domain, longest '*.domain', '*'. Whole labels compare, from the right.
   * A rule whose scope leaves the sender out is as if it were not there.
   */
  find(recipient: Mailbox, sender: ReversePath): AddressSpace | undefined {
    const domain = domainKey(recipient.domain);
    const exact =
      pick(this.#addresses.get(`${recipient.localPart.toLowerCase()}@${domain}`), sender) ??
      pick(this.#domains.get(domain), sender);
    if (exact !== undefined) return exact;
    if (!domain.startsWith('[')) {
      for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
        const below = pick(this.#below.get(domain.slice(dot + 1)), sender);
        if (below !== undefined) return below;
      }
    }
    return pick(this.#any, sender);
  }
}

function put(map: Map<string, AddressSpace[]>, key: string, space: AddressSpace): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [space]);
  else list.push(space);
}

function pick(list: readonly AddressSpace[] | undefined, sender: ReversePath): AddressSpace | undefined {
  return list?.find(
    (space) => space.senders === undefined || space.senders.some((pattern) => coversSender(pattern, sender)),
  );
}

/** Whether a scope's pattern ('a@example.com', 'example.com', '*.example.com', '<>') covers a reverse-path. */
export function coversSender(pattern: string, sender: ReversePath): boolean {
  if (sender === null) return pattern === '<>';
  const domain = domainKey(sender.domain);
  if (pattern.startsWith('*.')) return domain.endsWith(pattern.slice(1));
  return pattern.includes('@') ? pattern === `${sender.localPart.toLowerCase()}@${domain}` : pattern === domain;
}

function patternKey(text: string): string {
  const lower = text.toLowerCase();
  const at = lower.lastIndexOf('@');
  if (at !== -1) return `${lower.slice(0, at)}@${domainKey(lower.slice(at + 1))}`;
  return lower.startsWith('*.') ? `*.${domainKey(lower.slice(2))}` : lower === '<>' ? lower : domainKey(lower);
}
