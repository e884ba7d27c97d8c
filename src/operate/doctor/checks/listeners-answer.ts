import type { ListenerStatus } from '../../actions/context.ts';
import { defineCheck, type Parts } from '../check.ts';
import { greet, introduce, type Greeting } from '../facts/introduction.ts';
import { holdersOf, processFacts, processInWords, type ProcessFacts } from '../facts/processes.ts';
import { listeningSockets, standsInTheWay } from '../facts/sockets.ts';
import { showPlace } from '../facts/usage.ts';
import { ownAddressesMax, sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';
import { ourProcesses } from './listeners.ts';

/** One address at which a listener must be found. */
interface Place {
  readonly listener: ListenerStatus;
  readonly address: string;
}

const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address);

/** Every address of this host that leads to the listener ('::' is bound for IPv6 alone): a foreign server on a more exact one takes its connections. */
function placesOf(listener: ListenerStatus, host: Parts['host']): readonly Place[] {
  const { address } = listener;
  if (address !== '0.0.0.0' && address !== '::') return [{ listener, address }];
  const read = host.addresses();
  const own = (read.ok ? read.value : [])
    .filter((one) => one.family === (address === '::' ? 6 : 4) && !isLinkLocal(one.address))
    .map((one) => one.address);
  // Where the interfaces cannot be seen, loopback is most likely there.
  const loopback = read.ok ? [] : [address === '::' ? '::1' : '127.0.0.1'];
  const rank = (one: string): number => (one === '::1' || one === '127.0.0.1' ? 0 : 1);
  return [...new Set([...loopback, ...own])]
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, ownAddressesMax)
    .map((each) => ({ listener, address: each }));
}

function seenAs(greeting: Greeting | undefined, { listener }: Place): string {
  switch (greeting?.kind) {
    case 'ours':
      return greeting.listener === undefined || greeting.listener === listener.name
        ? greeting.banner
        : `our listener ${greeting.listener}: ${greeting.banner}`;
    case 'foreign':
      return `not this service: ${greeting.banner}`;
    case 'turned-away':
      return greeting.banner;
    default:
      return `no connection: ${greeting?.why ?? ''}`;
  }
}

/** The process that takes connections to a place instead of us: on that address, else on all. */
async function holderAt(
  { host, service }: Pick<Parts, 'host' | 'service'>,
  { address, listener: { port } }: Place,
): Promise<ProcessFacts | undefined> {
  const sockets = ((await listeningSockets(host)) ?? []).filter((one) => standsInTheWay(one, address, port));
  const exactFirst = [...sockets].sort((a, b) => Number(b.address === address) - Number(a.address === address));
  const ours = await ourProcesses({ host, service });
  const holders = await holdersOf(host, new Set(exactFirst.map(({ inode }) => inode)), ours);
  const pid = exactFirst.flatMap(({ inode }) => holders.get(inode) ?? []).find((one) => !ours.has(one));
  return pid === undefined ? undefined : processFacts(host, pid);
}

async function foreignAt(
  parts: Pick<Parts, 'host' | 'service'>,
  place: Place,
  banner: string,
  evidence: readonly Evidence[],
): Promise<Verdict> {
  const holder = await holderAt(parts, place);
  const { name, port } = place.listener;
  const where = showPlace(place.address, port);
  const who = holder === undefined ? 'another server' : processInWords(holder);
  const cure =
    holder === undefined
      ? `ss -ltnp sport = :${port} (as root) shows who listens there; nft list ruleset shows what redirects connections`
      : holder.unit?.endsWith('.service') === true
        ? `systemctl disable --now ${holder.unit}`
        : `kill ${holder.pid}`;
  return unhealthy(
    `At ${where}, where listener ${name} is bound, the answer is not our banner: ${who} answers: ${banner}.`,
    { cure, event: 4007 },
    holder === undefined ? evidence : [row(`holder of ${where}`, 'this service', processInWords(holder)), ...evidence],
  );
}

function unreachable({ listener, address }: Place, why: string, evidence: readonly Evidence[]): Verdict {
  return unhealthy(
    `At ${showPlace(address, listener.port)}, where listener ${listener.name} is bound, the answer is not our banner: no connection: ${why}.`,
    {
      cure: `nft list ruleset (or iptables -S) shows filters on port ${listener.port}; ims doctor --only host looks for proxy layers`,
    },
    evidence,
  );
}

/** What answers at our ports must be us. */
export const listenersAnswer = defineCheck({
  id: 'listeners.answer',
  number: 406,
  title: 'Each listener answers with our banner',
  why: 'A bound port may still be out of reach: a filter, a proxy layer, or another program on a more exact address.',
  needs: ['settings', 'host', 'network', 'clock', 'random', 'service'],
  after: ['service.answers', 'listeners.loopback', 'host.no-interposer'],
  cost: 'network',
  async look({ settings, host, network, clock, random, service }) {
    const answer = await service.ask();
    if (answer.kind !== 'running') return unknown('the service does not answer');
    const { name } = settings.server;
    const listening = answer.status.listeners.filter(({ state, port }) => state === 'listening' && port !== 0);
    const places = listening
      .filter((one) => settings.listeners[one.name]?.proxyProtocol === undefined)
      .flatMap((one) => (settings.listeners[one.name] === undefined ? [] : placesOf(one, host)))
      .slice(0, sampleMax);
    if (places.length === 0) return notApplicable('no listener is bound that greets without a PROXY header');
    const introduction = await introduce(
      { random, service },
      listening.map((one) => one.name),
    );
    const greetings = await Promise.all(
      places.map(({ listener, address }) =>
        greet(
          { network, clock },
          { address, port: listener.port, tls: listener.tls === 'implicit' },
          name,
          introduction,
        ),
      ),
    );
    const evidence = places.map((place, index) =>
      row(
        `${place.listener.name} at ${showPlace(place.address, place.listener.port)}`,
        `220 ${name}`,
        seenAs(greetings[index], place),
      ),
    );
    for (const [index, place] of places.entries()) {
      const greeting = greetings[index];
      if (greeting?.kind === 'foreign') return foreignAt({ host, service }, place, greeting.banner, evidence);
      if (greeting?.kind === 'none') return unreachable(place, greeting.why, evidence);
      if (greeting?.kind === 'ours' && greeting.listener !== undefined && greeting.listener !== place.listener.name)
        return unhealthy(
          `Connections to ${showPlace(place.address, place.listener.port)} of listener ${place.listener.name} come to listener ${greeting.listener}: something redirects them.`,
          { cure: 'nft list ruleset (or iptables -t nat -S) shows what redirects connections; take it out' },
          evidence,
        );
    }
    const away = greetings.find(({ kind }) => kind === 'turned-away');
    return away?.kind === 'turned-away'
      ? unknown(`a listener does not talk with this host: ${away.banner}`, evidence)
      : healthy(evidence);
  },
});
