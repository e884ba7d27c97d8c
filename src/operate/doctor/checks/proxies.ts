import { proxyOfGroup, waysOf } from '../../../flow/routing/ways.ts';
import type { ProxyTerms } from '../../../transport/port.ts';
import { dialThrough } from '../../../transport/through-proxy.ts';
import { defineCheck, type Parts } from '../check.ts';
import { Dialogue } from '../facts/dialogue.ts';
import { NOBODY, outsideHosts, type OutsideHost } from '../facts/outside.ts';
import { showPlace } from '../facts/usage.ts';
import { bannerMs, compareDialMs, farDialMs, sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

/** A proxy, and a host that mail would reach by it. */
interface Passage {
  readonly proxy: ProxyTerms;
  readonly target: { readonly name: string; readonly address: string; readonly port: number };
  /** Whether it is the way to every host, and not to this one alone. */
  readonly toAll: boolean;
}

const TROUBLE: Readonly<Record<string, { readonly means: string; readonly cure: string }>> = {
  'transport.proxy-unreachable': { means: 'cannot be reached', cure: 'Start it, or correct its host and port' },
  'transport.proxy-silent': {
    means: 'accepts the connection and does not answer',
    cure: 'Restart it, or correct its kind and port',
  },
  'transport.proxy-login-refused': {
    means: 'does not accept our login',
    cure: 'Set user and password (login.user, login.passwordFile)',
  },
  'transport.proxy-wrong-protocol': { means: 'is not of the configured kind', cure: 'Correct its kind or its port' },
  'transport.proxy-refused': {
    means: 'works, and refuses to connect us to mail hosts',
    cure: 'Its operator must allow the port (Squid: acl SSL_ports port 25; Dante: a socks pass rule), or send by way of a smart host on port 587 or 465 that it allows',
  },
};
const EVENTS: Readonly<Record<string, number>> = {
  'transport.proxy-unreachable': 3650,
  'transport.proxy-silent': 3651,
  'transport.proxy-login-refused': 3652,
  'transport.proxy-wrong-protocol': 3653,
  'transport.proxy-refused': 3654,
};

/** Proxies that are in use, each with a host that mail would reach by it. */
function passages(settings: Parts['settings'], outside: readonly OutsideHost[]): readonly Passage[] {
  const found = new Map<string, Passage>();
  const add = (names: Parameters<typeof waysOf>[0], target: Passage['target'] | undefined, toAll: boolean): void => {
    const ways = waysOf(names, settings.routing);
    // A proxy may allow one port and not another.
    for (const way of ways.kind === 'ways' ? ways.ways : [])
      if (way !== 'direct' && way.kind !== 'ssh-gateway' && target !== undefined)
        found.set(`${way.name} ${target.port}`, { proxy: way, target, toAll });
  };
  for (const group of Object.values(settings.routing.smartHosts)) {
    const first = group.hosts[0];
    if (first !== undefined)
      add(proxyOfGroup(group), { name: first.host, address: first.host, port: first.port }, false);
  }
  const [host] = outside;
  add(
    undefined,
    host === undefined ? undefined : { name: host.name, address: host.address, port: settings.routing.port },
    true,
  );
  return [...found.values()].slice(0, sampleMax);
}

/** Who greets in the place of a host that does not exist; undefined where nobody does, as it should be. */
async function greetsForNobody(
  { proxy, target: { port } }: Passage,
  rooms: Parameters<typeof dialThrough>[2],
  clock: Parts['clock'],
): Promise<string | undefined> {
  const nobody = { name: NOBODY, address: NOBODY, port, timeoutMs: compareDialMs, ways: [proxy] };
  const end = await dialThrough(proxy, nobody, rooms);
  if (end.kind !== 'open') return undefined;
  const banner = await new Dialogue(end.stream, clock, bannerMs).reply();
  end.stream.destroy();
  return typeof banner === 'string' || banner.code !== 220 ? undefined : banner.lines[0];
}

/** What a proxy says tells more than that mail waits. */
export const proxiesPass = defineCheck({
  id: 'ways.proxies',
  number: 806,
  title: 'Proxies on the way out let mail through',
  why: 'A proxy may be down, want another login, or forbid the port of mail; all mail by that way waits then.',
  needs: ['settings', 'host', 'resolver', 'network', 'clock', 'service'],
  after: ['configuration.loads', 'host.no-interposer'],
  cost: 'network',
  deadlineMs: 7500,
  async look({ settings, host, resolver, network, clock, service }) {
    if (Object.keys(settings.routing.proxies).length === 0) return notApplicable('no proxy is configured');
    const outside = await outsideHosts({ settings, host, resolver, service });
    const tried = passages(settings, outside);
    if (tried.length === 0) return unknown('no host is known that mail would reach by a proxy just now');
    const rooms = { world: { network, clock }, resolver };
    const [ends, strangers] = await Promise.all([
      Promise.all(
        tried.map(async ({ proxy, target }) => {
          const end = await dialThrough(proxy, { ...target, timeoutMs: farDialMs, ways: [proxy] }, rooms);
          if (end.kind === 'open') end.stream.destroy();
          return end;
        }),
      ),
      Promise.all(tried.map((one) => (one.toAll ? greetsForNobody(one, rooms, clock) : undefined))),
    ]);
    const evidence = tried.map(({ proxy, target }, index) => {
      const end = ends[index];
      const words =
        end?.kind === 'proxy-failed'
          ? String(end.fault.data.why)
          : end?.kind === 'target-unreachable'
            ? end.error.message
            : 'open';
      return row(
        `${proxy.kind} ${showPlace(proxy.host, proxy.port)} (${proxy.name}) to ${showPlace(target.address, target.port)}`,
        'open',
        words,
      );
    });
    for (const [index, { proxy, target }] of tried.entries()) {
      const end = ends[index];
      if (end?.kind !== 'proxy-failed') continue;
      const { means = 'fails', cure = 'Look at its log' } = TROUBLE[end.fault.event] ?? {};
      const event = EVENTS[end.fault.event];
      const asks = event === 3652 && proxy.login === undefined;
      return unhealthy(
        `The proxy ${proxy.name} (${proxy.kind} ${showPlace(proxy.host, proxy.port)}) ${asks ? 'asks for a login, and none is configured' : means} (${target.name} port ${target.port}): ${end.fault.data.why}.`,
        { cure: `${cure}: routing.proxies.${proxy.name}`, ...(event === undefined ? {} : { event }) },
        evidence,
      );
    }
    for (const [index, { proxy }] of tried.entries()) {
      const stranger = strangers[index];
      if (stranger === undefined) continue;
      return unhealthy(
        `Connections by the proxy ${proxy.name} (${proxy.kind} ${showPlace(proxy.host, proxy.port)}) are intercepted: '${stranger}' answers in the place of ${NOBODY}, an address that no host has, and so in that of every mail host.`,
        {
          cure: `Ask its operator to let port 25 through untouched, or send by another way than routing.proxies.${proxy.name}; routing.tls: required keeps mail from going through it in the clear`,
          event: 3452,
        },
        [...evidence, row(`${NOBODY} by ${proxy.name}`, 'no answer', stranger)],
      );
    }
    return ends.some((end) => end.kind === 'target-unreachable')
      ? unknown('the proxies work; hosts behind them do not answer', evidence)
      : healthy(evidence);
  },
});
