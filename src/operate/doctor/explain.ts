import { checks } from './checks/index.ts';

/** What a check looks for and why, as text; undefined where there is no such check. */
export function explainCheck(id: string): string | undefined {
  const check = checks.find((one) => one.id === id || String(one.number) === id);
  if (check === undefined) return undefined;
  const after = check.after.length === 0 ? 'nothing' : check.after.join(', ');
  return [
    `${check.id} (check ${check.number})`,
    `  expects   ${check.title}.`,
    `  because   ${check.why}`,
    `  after     ${after}`,
    `  looks at  ${check.needs.join(', ')}${check.cost === 'network' ? '; makes connections' : '; only this host'}`,
  ].join('\n');
}
