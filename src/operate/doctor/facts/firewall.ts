/** Firewalls of this host, as far as nft and iptables show them: what becomes of a new TCP connection. */
import type { Host } from '../../../world/ports/host.ts';
import { iptablesRules } from './firewall-iptables.ts';
import { nftRules } from './firewall-nft.ts';

/** A new TCP connection, coming in from outside or going out. */
export interface NewConnection {
  readonly direction: 'in' | 'out';
  readonly family: 4 | 6;
  readonly port: number;
  /** The interfaces that it may come by or leave by. */
  readonly interfaces: readonly string[];
}

/** Whether a condition holds; undefined where that depends on what is not known, such as who connects. */
export type Condition = (connection: NewConnection) => boolean | undefined;

/** Where a rule sends connections instead: what it does not name stays. */
export interface Diverted {
  readonly address?: string;
  readonly port?: number;
}

/** One rule. */
export interface FirewallRule {
  readonly conditions: readonly Condition[];
  readonly verdict:
    | 'accept'
    | 'drop'
    | 'reject'
    | 'return'
    | { readonly jump: string; readonly goto: boolean }
    | { readonly divertedTo: Diverted }
    | 'none';
  /** As people read it. */
  readonly text: string;
  /** The command that takes it away. */
  readonly remove: string;
}

/** A chain of rules; one with a hook is where packets come first. */
export interface FirewallChain {
  readonly name: string;
  /** 'nat': what comes in, before it is filtered. */
  readonly hook: 'in' | 'out' | 'nat' | undefined;
  readonly families: readonly (4 | 6)[];
  readonly policy: 'accept' | 'drop';
  readonly rules: readonly FirewallRule[];
  /** Where it stands, as people say it: 'nftables chain inet filter input'. */
  readonly words: string;
}

/** What stops a connection. */
export interface Blocked {
  readonly where: string;
  readonly rule: string;
  readonly how: 'drop' | 'reject' | { readonly divertedTo: Diverted };
  readonly cure: string;
}

/** All chains; undefined where they may not be seen, 'none' where no program is there that shows them. */
export async function firewallChains(host: Host): Promise<readonly FirewallChain[] | 'none' | undefined> {
  const nft = await host.output('nft', '-j', 'list', 'ruleset');
  // The newer iptables keeps its rules where nft shows them; the older one has them for itself.
  const kind = !nft.ok && nft.errno === 'ENOENT' ? '' : '-legacy';
  const [four, six] = await Promise.all([host.output(`iptables${kind}-save`), host.output(`ip6tables${kind}-save`)]);
  const all = [nft, four, six];
  if (all.every((one) => !one.ok && one.errno === 'ENOENT')) return 'none';
  if (!all.some(({ ok }) => ok)) return undefined;
  return [
    ...(nft.ok ? nftRules(nft.value) : []),
    ...(four.ok ? iptablesRules(four.value, 4) : []),
    ...(six.ok ? iptablesRules(six.value, 6) : []),
  ];
}

type End = { readonly kind: 'accept' | 'return' | 'maybe' } | { readonly kind: 'blocked'; readonly blocked: Blocked };
const DEPTH_MAX = 8;

function walk(
  chain: FirewallChain,
  chains: ReadonlyMap<string, FirewallChain>,
  connection: NewConnection,
  depth: number,
): End {
  let maybe = false;
  for (const rule of chain.rules) {
    const holds = rule.conditions.map((condition) => condition(connection));
    if (holds.includes(false) || rule.verdict === 'none') continue;
    const sure = !holds.includes(undefined);
    if (typeof rule.verdict === 'object' && 'jump' in rule.verdict) {
      const next = chains.get(rule.verdict.jump);
      if (next === undefined || depth >= DEPTH_MAX) {
        maybe = true; // a target that is no chain, such as NFQUEUE, decides by itself
        continue;
      }
      const end = walk(next, chains, connection, depth + 1);
      if (end.kind === 'return') {
        if (rule.verdict.goto && sure) return end;
        continue;
      }
      if (sure && end.kind !== 'maybe') return end;
      if (end.kind !== 'blocked') maybe = true;
      continue;
    }
    if (rule.verdict === 'return') {
      if (sure) return maybe ? { kind: 'maybe' } : { kind: 'return' };
      continue;
    }
    if (rule.verdict === 'accept') {
      if (sure) return { kind: 'accept' };
      maybe = true; // for some clients it is open
      continue;
    }
    // What is dropped for some clients only is what a firewall is for.
    if (sure && !maybe)
      return {
        kind: 'blocked',
        blocked: { where: chain.words, rule: rule.text, how: rule.verdict, cure: rule.remove },
      };
    if (sure) return { kind: 'maybe' };
  }
  return maybe ? { kind: 'maybe' } : { kind: 'return' };
}

/** What stops a new connection; undefined where nothing surely does. */
export function whatBlocks(all: readonly FirewallChain[], connection: NewConnection): Blocked | undefined {
  const chains = new Map(all.map((chain) => [chain.name, chain]));
  for (const chain of all) {
    if (chain.hook !== connection.direction || !chain.families.includes(connection.family)) continue;
    const end = walk(chain, chains, connection, 0);
    if (end.kind === 'blocked') return end.blocked;
    if (end.kind === 'return' && chain.policy === 'drop')
      return {
        where: chain.words,
        rule: 'policy drop, and no rule lets it through',
        how: 'drop',
        cure: allowing(chain, connection),
      };
  }
  return undefined;
}

/** What sends a new connection from outside elsewhere before it gets here; undefined where nothing surely does. */
export function whatDiverts(all: readonly FirewallChain[], connection: NewConnection): Blocked | undefined {
  const chains = new Map(all.map((chain) => [chain.name, chain]));
  for (const chain of all) {
    if (chain.hook !== 'nat' || !chain.families.includes(connection.family)) continue;
    const end = walk(chain, chains, connection, 0);
    if (end.kind === 'blocked' && typeof end.blocked.how === 'object') return end.blocked;
  }
  return undefined;
}

function allowing(chain: FirewallChain, { port, direction }: NewConnection): string {
  const nft = /^nftables chain (\S+ \S+ \S+)$/.exec(chain.words)?.[1];
  const plain =
    nft === undefined
      ? `iptables -I ${direction === 'in' ? 'INPUT' : 'OUTPUT'} -p tcp --dport ${port} -j ACCEPT`
      : `nft insert rule ${nft} tcp dport ${port} accept`;
  return direction === 'in'
    ? `${plain}; with ufw: ufw allow ${port}/tcp; with firewalld: firewall-cmd --permanent --add-port=${port}/tcp && firewall-cmd --reload`
    : plain;
}
