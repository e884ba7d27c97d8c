import { parseIp, reverseName } from '../../../base/ip.ts';
import { defineCheck, type Parts } from '../check.ts';
import { isForTrying } from '../facts/usage.ts';
import { askingMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, type Evidence } from '../verdict.ts';

const LOCAL = /(?:^|\.)(?:localhost|localdomain|localhost\d*)$/i;
const HOSTNAME = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*$/i;

const qualified = (name: string): boolean => HOSTNAME.test(name) && !LOCAL.test(name);

/** A name for this host that leads back to it: by the reverse names of its addresses, or what the system is called. */
async function betterName({
  host,
  resolver,
}: Pick<Parts, 'host' | 'resolver'>): Promise<{ readonly name?: string; readonly evidence: readonly Evidence[] }> {
  const evidence: Evidence[] = [];
  const read = host.addresses();
  const own = read.ok ? read.value.filter(({ internal, address }) => !internal && !address.startsWith('fe80:')) : [];
  const found = await Promise.all(
    own.slice(0, 4).map(async ({ address }) => {
      const ip = parseIp(address);
      const answer = ip === undefined ? undefined : await resolver.query(reverseName(ip), 'PTR');
      const name = answer?.kind === 'records' ? answer.records[0] : undefined;
      if (name === undefined || !qualified(name)) return { address, name };
      const forward = await resolver.query(name, address.includes(':') ? 'AAAA' : 'A');
      return { address, name, leads: forward.kind === 'records' && forward.records.includes(address) };
    }),
  );
  for (const { address, name } of found) evidence.push(row(`PTR of ${address}`, 'a name of this host', name ?? 'none'));
  const leading = found.find(({ leads }) => leads === true)?.name;
  if (leading !== undefined) return { name: leading, evidence };
  const system = await host.text('/proc/sys/kernel/hostname');
  const name = system.ok ? system.value.trim() : '';
  evidence.push(row('host name of the system', 'a qualified one', name || 'none'));
  return qualified(name) ? { name, evidence } : { evidence };
}

/** The name that others see. */
export const serverNameQualified = defineCheck({
  id: 'host.server-name',
  number: 619,
  title: 'server.name is fully qualified',
  why: 'The service calls itself so in its greeting, in EHLO and in Received fields; many servers refuse a client that says localhost or a name without a domain (RFC 5321 §4.1.4).',
  needs: ['settings', 'host', 'resolver'],
  after: ['configuration.loads'],
  cost: 'network',
  deadlineMs: askingMs,
  async look({ settings, host, resolver }) {
    const { name } = settings.server;
    const evidence = [row('server.name', 'a name such as mail.example.com', name)];
    if (qualified(name)) return healthy(evidence);
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const better = await betterName({ host, resolver });
    return unhealthy(
      `server.name is '${name}', which is not fully qualified: other servers refuse a greeting with it (EHLO ${name}).`,
      {
        cure:
          better.name === undefined
            ? 'Set server.name to the public name of this host, such as mail.example.com, then: ims reload'
            : `Set server.name: ${better.name} (it leads to this host), then: ims reload`,
      },
      [...evidence, ...better.evidence],
    );
  },
});
