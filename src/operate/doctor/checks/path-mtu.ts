import { parseIp, printIp } from '../../../base/ip.ts';
import { defineCheck, type Parts } from '../check.ts';
import { dialOutside } from '../facts/outside.ts';
import { stalledSockets, type StalledSocket } from '../facts/stalled.ts';
import { isForTrying, showPlace } from '../facts/usage.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

/** Ports that our mail goes to. */
function mailPorts({ settings }: Pick<Parts, 'settings'>): ReadonlySet<number> {
  const groups = Object.values(settings.routing.smartHosts).flatMap(({ hosts }) => hosts.map(({ port }) => port));
  return new Set([settings.routing.port, 25, 465, 587, ...groups]);
}

/** Repetitions in which probing has found the size, or never does. */
const PROBED_AGAIN_MAX = 12;

/** Large packets that vanish stop every message and no dialogue. */
export const pathMtu = defineCheck({
  id: 'ways.path-mtu',
  number: 805,
  title: 'Full-sized packets arrive at mail hosts',
  why: 'Where a router drops large packets and the ICMP message that says so is filtered, dialogues work and every longer message stalls: a path MTU black hole (RFC 2923 §2.1).',
  needs: ['settings', 'host', 'network', 'clock'],
  after: ['configuration.loads', 'host.network', 'host.no-interposer'],
  cost: 'network',
  async look(parts) {
    const { settings, host } = parts;
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const ports = mailPorts({ settings });
    const found = await stalledSockets(host);
    if (found === undefined) return unknown('/proc/net/tcp cannot be read');
    const stalled = found.filter(({ port }) => ports.has(port)).slice(0, 4);
    const probing = await host.text('/proc/sys/net/ipv4/tcp_mtu_probing');
    const evidence: Evidence[] = [
      row(
        'net.ipv4.tcp_mtu_probing',
        '1, or paths that carry full-sized packets',
        probing.ok ? probing.value.trim() : probing.errno,
      ),
    ];
    if (stalled.length === 0)
      return healthy([...evidence, row('connections to mail hosts whose octets are not acknowledged', 'none', 'none')]);
    const answers = await Promise.all(stalled.map(({ address, port }) => dialOutside(parts, { address, port }, true)));
    const show = ({ unacknowledged, again }: StalledSocket): string =>
      `${unacknowledged} octets not acknowledged, sent again ${again} times`;
    stalled.forEach((one, index) => {
      const answer = answers[index];
      evidence.push(
        row(showPlace(one.address, one.port), 'takes what is sent', show(one)),
        row(
          `a new dialogue with ${showPlace(one.address, one.port)}`,
          'works',
          answer?.kind === 'open' && answer.banner !== '' ? answer.banner : 'does not work',
        ),
      );
    });
    const hole = stalled.find((_, index) => {
      const answer = answers[index];
      return answer?.kind === 'open' && answer.banner !== '' && answer.offers.length > 0;
    });
    // One that is silent altogether is down, or its way is.
    if (hole === undefined) return healthy(evidence);
    // With probing TCP tries smaller packets with each repetition: a connection that began before gets over it.
    if (probing.ok && probing.value.trim() !== '0' && hole.again < PROBED_AGAIN_MAX)
      return healthy([...evidence, row('what TCP does', 'finds the size that passes', 'tries smaller packets')]);
    const ip = parseIp(hole.address);
    const via = ip === undefined ? hole.address : printIp(ip);
    return unhealthy(
      `Path MTU black hole towards ${showPlace(hole.address, hole.port)}: a new dialogue works, but full-sized packets of a message are never acknowledged. A router on the way drops large packets, and the ICMP message that would say so is filtered.`,
      {
        cure: `sysctl -w net.ipv4.tcp_mtu_probing=1 (and in /etc/sysctl.d), or a smaller MTU for the route: ip route change default via YOUR-ROUTER mtu 1280 (ip route get ${via} shows it)`,
      },
      evidence,
    );
  },
});
