import { nearest } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import { isServer } from './networks.ts';
import { namesIn, type Rule, wrong } from './rule.ts';

/** What looks from outside is outside: a name server by its address, a proxy or a gateway by its name. */
export const outsideLooks: Rule = ({ doctor }, { raw }) => {
  const out: Finding[] = [];
  const { outsideResolver, outsideProbe } = doctor;
  if (outsideResolver !== undefined && !isServer(outsideResolver)) {
    const more = { value: outsideResolver, allowed: '9.9.9.9, 9.9.9.9:53' };
    out.push(wrong(['doctor', 'outsideResolver'], 'is not the address of a name server', more));
  }
  const known = [...namesIn(raw, ['routing', 'proxies']), ...namesIn(raw, ['gateways'])];
  if (outsideProbe !== undefined && !known.includes(outsideProbe)) {
    const near = nearest(outsideProbe, known);
    const allowed = known.join(', ') || 'none is declared in routing.proxies or gateways';
    const more = { value: outsideProbe, allowed, ...(near === undefined ? {} : { nearest: near }) };
    out.push(wrong(['doctor', 'outsideProbe'], 'names no proxy and no gateway', more));
  }
  return out;
};
