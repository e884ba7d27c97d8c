import { defineCheck } from '../check.ts';
import { isForTrying } from '../facts/usage.ts';
import { workersOf } from '../facts/service-identity.ts';
import { addressSpaceMin, fileSizeMin } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

/** A host without an address talks with nobody. */
export const networkThere = defineCheck({
  id: 'host.network',
  number: 607,
  title: 'This host has an address and a route',
  why: 'Without an address besides loopback no mail comes or goes, and every name server seems dead.',
  needs: ['settings', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host }) {
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const read = host.addresses();
    if (!read.ok) return unknown(`the interfaces cannot be seen: ${read.errno}`);
    const others = read.value.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
    const evidence = [
      row(
        'addresses',
        'one besides loopback',
        others.map((one) => `${one.address} (${one.interface})`).join(', ') || 'none',
      ),
    ];
    if (others.length === 0)
      return unhealthy(
        'This host has no address besides loopback: its network is down.',
        {
          cure: 'ip link and ip address show what is missing; then bring the interface up (systemctl restart networking)',
        },
        evidence,
      );
    const [four, six] = await Promise.all([host.text('/proc/net/route'), host.text('/proc/net/ipv6_route')]);
    if (!four.ok && !six.ok) return unknown('the routes cannot be seen', evidence);
    const routes = [
      ...(four.ok && /^\S+\t00000000\t(?!00000000)/m.test(four.value) ? ['IPv4'] : []),
      ...(six.ok && /^0{32} 00 .* (?!lo$)\S+$/m.test(six.value) ? ['IPv6'] : []),
    ];
    // A host behind a proxy or with one smart host next door needs none.
    return healthy([...evidence, row('default route', 'where mail goes out directly', routes.join(' and ') || 'none')]);
  },
});

const limitOf = (limits: string, name: string): number => {
  const line = limits.split('\n').find((one) => one.startsWith(name));
  const soft = line?.slice(name.length).trim().split(/\s+/)[0] ?? 'unlimited';
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
};

const show = (bytes: number): string => {
  if (!Number.isFinite(bytes)) return 'unlimited';
  return bytes < 1024 ** 2 ? `${Math.floor(bytes / 1024)}KB` : `${Math.floor(bytes / 1024 ** 2)}MB`;
};

/** Limits of processes that seem harmless and are not. */
export const processLimits = defineCheck({
  id: 'host.process-limits',
  number: 608,
  title: 'Address space and file size are not limited',
  why: 'Node reserves address space that it does not use, and ends without a word where it may not; a limit of file size ends writing to the queue.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service }) {
    const workers = await workersOf({ service });
    const pid = workers[0] ?? 'self';
    const limits = await host.text(`/proc/${pid}/limits`);
    if (!limits.ok) return unknown(`the limits of process ${pid} cannot be read`);
    const space = limitOf(limits.value, 'Max address space');
    const size = limitOf(limits.value, 'Max file size');
    const sizeNeeded = Math.max(fileSizeMin, settings.reception.messageSizeMax * 2);
    const evidence: readonly Evidence[] = [
      row('address space', `unlimited, or ${show(addressSpaceMin)} and more`, show(space)),
      row('file size', `unlimited, or ${show(sizeNeeded)} and more`, show(size)),
    ];
    if (space < addressSpaceMin)
      return unhealthy(
        `The address space of a process is limited to ${show(space)}: a worker may end at any time.`,
        { cure: 'ulimit -v unlimited, or take LimitAS out of the unit; MemoryMax= limits memory instead' },
        evidence,
      );
    if (size < sizeNeeded)
      return unhealthy(
        `Files may not grow beyond ${show(size)}: the queue cannot be written.`,
        { cure: 'ulimit -f unlimited, or take LimitFSIZE out of the unit', event: 4752 },
        evidence,
      );
    return healthy(evidence);
  },
});
