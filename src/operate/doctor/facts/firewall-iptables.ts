/** Reads what `iptables-save` prints. */
import type { Condition, FirewallChain, FirewallRule } from './firewall.ts';

const VERDICTS: Readonly<Record<string, FirewallRule['verdict']>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'reject',
  RETURN: 'return',
};
const PASSING = new Set(['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'TCPMSS', 'TRACE']);

function portIn(spec: string, port: number): boolean {
  return spec.split(',').some((part) => {
    const [first = '', last = first] = part.split(':');
    return Number(first) <= port && port <= Number(last || 65_535);
  });
}

function ruleOf(words: readonly string[], family: 4 | 6, key: (name: string) => string, line: string): FirewallRule {
  const conditions: Condition[] = [];
  let verdict: FirewallRule['verdict'] = 'none';
  for (let at = 0; at < words.length; at += 1) {
    const not = words[at] === '!';
    if (not) at += 1;
    const [option = '', value = ''] = [words[at], words[at + 1]];
    const when = (condition: Condition): void => {
      conditions.push((connection) => {
        const holds = condition(connection);
        return not && holds !== undefined ? !holds : holds;
      });
      at += 1;
    };
    if (option === '-p' || option === '--protocol') when(() => value === 'tcp' || value === 'all');
    else if (option === '--dport' || option === '--dports' || option === '--destination-port')
      when(({ port }) => portIn(value, port));
    else if (option === '-i' || option === '-o')
      when(({ interfaces }) =>
        interfaces.some((one) => one === value || (value.endsWith('+') && one.startsWith(value.slice(0, -1)))),
      );
    else if (option === '--state' || option === '--ctstate') when(() => value.split(',').includes('NEW'));
    else if (option === '--syn' || option === '--tcp-flags') at += option === '--syn' ? 0 : 2;
    else if (option === '-m' || option === '--match') {
      if (!['tcp', 'multiport', 'state', 'conntrack', 'comment'].includes(value)) conditions.push(() => undefined);
      at += 1;
    } else if (
      option === '--comment' ||
      option === '--reject-with' ||
      option === '--log-prefix' ||
      option === '--log-level'
    )
      at += 1;
    else if (option === '-j' || option === '-g') {
      verdict = VERDICTS[value] ?? (PASSING.has(value) ? 'none' : { jump: key(value), goto: option === '-g' });
      at += 1;
    } else if (option.startsWith('-')) conditions.push(() => undefined);
  }
  const program = family === 4 ? 'iptables' : 'ip6tables';
  return { conditions, verdict, text: line, remove: `${program} ${line.replace(/^-A/, '-D')}` };
}

const HOOKS: Readonly<Record<string, 'in' | 'out'>> = { INPUT: 'in', OUTPUT: 'out' };

/** The chains of the table filter. */
export function iptablesRules(text: string, family: 4 | 6): readonly FirewallChain[] {
  const program = family === 4 ? 'iptables' : 'ip6tables';
  const key = (name: string): string => `${program} ${name}`;
  const filter = text.split(/^\*/m).find((part) => part.startsWith('filter\n')) ?? '';
  const lines = filter.split('\n');
  return lines.flatMap((line) => {
    const [, name, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (name === undefined) return [];
    const own = lines.filter((one) => one.startsWith(`-A ${name} `));
    return [
      {
        name: key(name),
        hook: HOOKS[name],
        families: [family],
        policy: policy === 'DROP' ? ('drop' as const) : ('accept' as const),
        // Quoted words hold spaces only in comments.
        rules: own.map((one) =>
          ruleOf(
            one
              .replace(/"[^"]*"/g, 'comment')
              .split(/\s+/)
              .slice(2),
            family,
            key,
            one,
          ),
        ),
        words: `${program} chain ${name}`,
      },
    ];
  });
}
