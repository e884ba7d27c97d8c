/** Reads what `nft -j list ruleset` prints. */
import type { Condition, FirewallChain, FirewallRule } from './firewall.ts';

type Json = Readonly<Record<string, unknown>>;
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);

/** Single values and ranges of the right side of a match. */
function valuesOf(right: unknown): readonly unknown[] {
  const set = object(right)['set'];
  return set === undefined ? [right] : list(set);
}

function holdsNumber(right: unknown, number: number): boolean | undefined {
  let unsure = false;
  for (const value of valuesOf(right)) {
    if (value === number) return true;
    const range = list(object(value)['range']);
    if (range.length === 2 && Number(range[0]) <= number && number <= Number(range[1])) return true;
    // A named set, or the name of a service, is not resolved here.
    if (typeof value === 'string') unsure = true;
  }
  return unsure ? undefined : false;
}

const negate = (op: unknown, holds: boolean | undefined): boolean | undefined =>
  op === '!=' && holds !== undefined ? !holds : holds;

function conditionOf(match: Json): Condition {
  const { op, left, right } = match;
  const part = object(object(left)['payload']);
  const meta = object(object(left)['meta'])['key'];
  const ct = object(object(left)['ct'])['key'];
  const words = (): readonly string[] => valuesOf(right).map(text);
  if (part['field'] === 'dport' && ['tcp', 'th'].includes(text(part['protocol'])))
    return ({ port }) => negate(op, holdsNumber(right, port));
  if (part['field'] === 'dport' || part['protocol'] === 'udp' || /^icmp/.test(text(part['protocol'])))
    return () => false;
  if (meta === 'iifname' || meta === 'iif' || meta === 'oifname' || meta === 'oif')
    return ({ direction, interfaces }) => {
      if (meta.startsWith('i') !== (direction === 'in')) return undefined;
      const named = words();
      const fits = interfaces.some((one) =>
        named.some((name) => name === one || (name.endsWith('*') && one.startsWith(name.slice(0, -1)))),
      );
      return negate(op, fits);
    };
  if (meta === 'l4proto' || (part['field'] === 'protocol' && part['protocol'] === 'ip') || part['field'] === 'nexthdr')
    return () =>
      negate(
        op,
        words().some((word) => word === 'tcp' || word === '6'),
      );
  if (meta === 'nfproto') return ({ family }) => negate(op, words().includes(family === 4 ? 'ipv4' : 'ipv6'));
  if (ct === 'state') return () => negate(op, words().includes('new'));
  return () => undefined;
}

function matchText(match: Json): string {
  const part = object(object(match['left'])['payload']);
  const left =
    part['protocol'] !== undefined
      ? `${text(part['protocol'])} ${text(part['field'])}`
      : text(object(object(match['left'])['meta'])['key'] ?? object(object(match['left'])['ct'])['key'] ?? 'match');
  const right = valuesOf(match['right']).map((value) => {
    const range = list(object(value)['range']);
    return range.length === 2 ? `${text(range[0])}-${text(range[1])}` : text(value);
  });
  const shown = right.length === 1 ? (right[0] ?? '') : `{ ${right.join(', ')} }`;
  return `${left} ${match['op'] === '!=' ? '!= ' : ''}${shown}`;
}

const DECIDING = new Set(['vmap', 'queue', 'synproxy', 'tproxy']);

function ruleOf(rule: Json, chainKey: (name: string) => string): FirewallRule {
  const conditions: Condition[] = [];
  const words: string[] = [];
  let verdict: FirewallRule['verdict'] = 'none';
  for (const one of list(rule['expr']).map(object)) {
    const [key = ''] = Object.keys(one);
    if (key === 'match') {
      conditions.push(conditionOf(object(one['match'])));
      words.push(matchText(object(one['match'])));
    } else if (key === 'accept' || key === 'drop' || key === 'reject' || key === 'return') {
      verdict = key;
      words.push(key);
    } else if (key === 'jump' || key === 'goto') {
      const target = text(object(one[key])['target']);
      verdict = { jump: chainKey(target), goto: key === 'goto' };
      words.push(`${key} ${target}`);
    } else if (key === 'redirect' || key === 'dnat') {
      const { addr, port } = object(one[key]);
      const to = typeof addr === 'string' ? { address: addr } : {};
      verdict = { divertedTo: typeof port === 'number' ? { ...to, port } : to };
      words.push(`${key} to ${typeof addr === 'string' ? addr : ''}${typeof port === 'number' ? `:${port}` : ''}`);
      // A target that is worked out for each connection is not known here.
      if ((addr !== undefined && typeof addr !== 'string') || (port !== undefined && typeof port !== 'number'))
        conditions.push(() => undefined);
    } else if (DECIDING.has(key)) {
      // A map of verdicts, or a program, decides: it may let it through.
      conditions.push(() => undefined);
      verdict = 'accept';
      words.push(key);
    } else if (key !== 'counter' && key !== 'log' && key !== 'comment') {
      // Rates, maps, and what else decides by more than the connection.
      conditions.push(() => undefined);
      words.push(key);
    }
  }
  const { family, table, chain, handle } = rule;
  return {
    conditions,
    verdict,
    text: words.join(' '),
    remove: `nft delete rule ${text(family)} ${text(table)} ${text(chain)} handle ${text(handle)}`,
  };
}

const FAMILIES: Readonly<Record<string, readonly (4 | 6)[]>> = { inet: [4, 6], ip: [4], ip6: [6] };
const HOOKS: Readonly<Record<string, 'in' | 'out'>> = {
  input: 'in',
  prerouting: 'in',
  output: 'out',
  postrouting: 'out',
};

/** The filter chains of a ruleset; none where the text is not one. */
export function nftRules(json: string): readonly FirewallChain[] {
  let rows: readonly Json[];
  try {
    rows = list(object(JSON.parse(json))['nftables']).map(object);
  } catch {
    return []; // another nft than is known
  }
  const rules = rows.flatMap((one) => (one['rule'] === undefined ? [] : [object(one['rule'])]));
  return rows.flatMap((one) => {
    if (one['chain'] === undefined) return [];
    const { family, table, name, type, hook, policy } = object(one['chain']);
    const families = FAMILIES[text(family)];
    if (families === undefined) return [];
    const key = (chain: string): string => `nft ${text(family)} ${text(table)} ${chain}`;
    const own = rules.filter((rule) => rule['family'] === family && rule['table'] === table && rule['chain'] === name);
    return [
      {
        name: key(text(name)),
        // Other chains of nat and route decide no connection's end.
        hook: type === 'filter' ? HOOKS[text(hook)] : type === 'nat' && hook === 'prerouting' ? 'nat' : undefined,
        families,
        policy: policy === 'drop' ? ('drop' as const) : ('accept' as const),
        rules: own.map((rule) => ruleOf(rule, key)),
        words: `nftables chain ${text(family)} ${text(table)} ${text(name)}`,
      },
    ];
  });
}
