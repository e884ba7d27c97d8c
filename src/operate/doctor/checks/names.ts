import { parseIp } from '../../../base/ip.ts';
import { printNameServer, type NameServer } from '../../../transport/resolver/name-servers.ts';
import type { Answer } from '../../../world/ports/resolver.ts';
import { defineCheck, type Parts } from '../check.ts';
import { askByTcp, askByUdp, rcodeName, type NameServerReply } from '../facts/name-server.ts';
import { isForTrying, isReservedName, needsNames } from '../facts/usage.ts';
import { sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Cure, type Evidence, type Verdict } from '../verdict.ts';

/** What is wrong is a fault only where the configuration needs names; else it is told without an alarm. */
function wrong(settings: Parts['settings'], cause: string, cure: Cure, evidence: readonly Evidence[]): Verdict {
  const need = needsNames(settings);
  return need === undefined
    ? unknown(`${cause} This configuration can do without.`, evidence)
    : unhealthy(`${cause} It is needed: ${need}.`, cure, evidence);
}

/** Somebody must be asked. */
export const serversConfigured = defineCheck({
  id: 'names.servers-configured',
  number: 501,
  title: 'Name servers are configured',
  why: 'The service asks the name servers of names.servers, else those of /etc/resolv.conf, else one on this host.',
  needs: ['settings', 'nameServers', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, nameServers, host }) {
    const evidence = nameServers.servers.map((server) =>
      row(`from ${nameServers.from}`, 'a name server', printNameServer(server)),
    );
    if (nameServers.from === 'settings') return healthy(evidence);
    const text = await host.text('/etc/resolv.conf');
    if (!text.ok)
      return wrong(
        settings,
        `/etc/resolv.conf cannot be read (${text.errno}).`,
        { cure: "chmod 644 /etc/resolv.conf, or set names.servers: ['192.0.2.53'] to yours", event: 3701 },
        [row('/etc/resolv.conf', 'nameserver lines', text.errno)],
      );
    if (nameServers.named) return healthy(evidence);
    // The default server may be there: whether it answers is for the next check.
    return healthy([row('/etc/resolv.conf', 'nameserver lines', 'none: the one on this host is asked (127.0.0.1)')]);
  },
});

const ROOT = '';
const rejects = (reply: NameServerReply): boolean =>
  reply.kind === 'response' && reply.response.rcode !== 0 && reply.response.rcode !== 3;

function seen(reply: NameServerReply): string {
  return reply.kind === 'silent' ? reply.why : `${rcodeName(reply.response.rcode)} after ${reply.tookMs} ms`;
}

function cureFor({ address }: NameServer, from: 'settings' | 'resolv.conf'): string {
  const stub =
    address === '127.0.0.53'
      ? 'systemctl start systemd-resolved, or name'
      : 'Start it (or what is between: a firewall on port 53), or name';
  return `${stub} another one ${from === 'settings' ? 'in names.servers' : 'in /etc/resolv.conf or names.servers'}`;
}

/** Each server separately: one dead server of two makes every second look-up slow. */
export const serversAnswer = defineCheck({
  id: 'names.servers-answer',
  number: 502,
  title: 'Every name server answers',
  why: 'Without the name service mail for elsewhere waits; with one dead server of several it is slow.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random'],
  after: ['names.servers-configured', 'host.network'],
  cost: 'network',
  async look({ settings, nameServers, ...world }) {
    const { servers, from, named } = nameServers;
    const replies = await Promise.all(servers.map((server) => askByUdp(world, server, ROOT, 'NS')));
    const evidence = servers.map((server, index) =>
      row(`${printNameServer(server)} by UDP`, 'NOERROR', seen(replies[index] ?? { kind: 'silent', why: '' })),
    );
    const bad = servers.findIndex(
      (_, index) => replies[index]?.kind === 'silent' || rejects(replies[index] ?? { kind: 'silent', why: '' }),
    );
    const server = servers[bad];
    const reply = replies[bad];
    if (server === undefined || reply === undefined) return healthy(evidence);
    if (!named && reply.kind === 'silent')
      return wrong(
        settings,
        '/etc/resolv.conf names no name server, and none answers on this host (127.0.0.1).',
        { cure: "Write 'nameserver ADDRESS' into /etc/resolv.conf, or set names.servers: [ADDRESS]", event: 3701 },
        [row('/etc/resolv.conf', 'nameserver lines', 'none'), ...evidence],
      );
    const others = servers.length === 1 ? 'and there is no other' : `one of ${servers.length}`;
    const cause =
      reply.kind === 'silent'
        ? `Name server ${printNameServer(server)} does not answer (${reply.why}), ${others}.`
        : `Name server ${printNameServer(server)} answers ${rcodeName(reply.response.rcode)} even for the root, ${others}: it cannot or will not resolve.`;
    return wrong(settings, cause, { cure: cureFor(server, from), event: servers.length === 1 ? 3701 : 3700 }, evidence);
  },
});

/** Long answers come by TCP only. */
export const serversAnswerTcp = defineCheck({
  id: 'names.servers-answer-tcp',
  number: 503,
  title: 'Every name server answers by TCP too',
  why: 'An answer that is too long for a datagram is asked for again by TCP (RFC 7766 §5); without it such domains cannot be reached.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random'],
  after: ['names.servers-answer'],
  cost: 'network',
  async look({ settings, nameServers: { servers }, ...world }) {
    const replies = await Promise.all(servers.map((server) => askByTcp(world, server, ROOT, 'NS')));
    const evidence = servers.map((server, index) =>
      row(`${printNameServer(server)} by TCP`, 'an answer', seen(replies[index] ?? { kind: 'silent', why: '' })),
    );
    const server = servers[replies.findIndex(({ kind }) => kind === 'silent')];
    if (server === undefined) return healthy(evidence);
    return wrong(
      settings,
      `Name server ${printNameServer(server)} answers by UDP and not by TCP: domains with long answers cannot be looked up.`,
      { cure: `Let TCP port 53 to ${server.address} through the firewall, or name another server in names.servers` },
      evidence,
    );
  },
});

/** Rewritten negatives turn every mistyped domain into one that takes connections. */
export const noRewriting = defineCheck({
  id: 'names.no-rewriting',
  number: 504,
  title: 'Name servers say so where a name does not exist',
  why: 'A server that answers an address of its own for names that do not exist makes mail for mistyped domains wait instead of come back.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random'],
  after: ['names.servers-answer'],
  cost: 'network',
  async look({ settings, nameServers: { servers, from }, ...world }) {
    // .invalid never exists (RFC 6761 §6.4); the label is chance, so that no cache knows it.
    const name = `${world.random.bytes(8).toString('hex')}.invalid`;
    const replies = await Promise.all(servers.map((server) => askByUdp(world, server, name, 'A')));
    const evidence = servers.map((server, index) =>
      row(
        `A of a name below .invalid, from ${printNameServer(server)}`,
        'NXDOMAIN',
        seen(replies[index] ?? { kind: 'silent', why: '' }),
      ),
    );
    const liar = servers.findIndex((_, index) => {
      const reply = replies[index];
      return reply?.kind === 'response' && reply.response.rcode === 0 && reply.response.answers.length > 0;
    });
    const server = servers[liar];
    if (server === undefined) return healthy(evidence);
    return wrong(
      settings,
      `Name server ${printNameServer(server)} answers with an address for names that do not exist.`,
      { cure: `${cureFor(server, from)}, one that does not rewrite answers` },
      evidence,
    );
  },
});

const words = (answer: Answer<'A' | 'AAAA' | 'MX'>): string =>
  answer.kind === 'records'
    ? answer.records.map((one) => (typeof one === 'string' ? one : `${one.preference} ${one.exchange}`)).join(', ')
    : answer.kind === 'failure'
      ? answer.reason
      : answer.kind;

const own = (address: string, parts: Pick<Parts, 'host'>): boolean => {
  const read = parts.host.addresses();
  return read.ok && read.value.some((one) => one.address === address);
};

/** The name that we greet with must lead here. */
export const serverNameResolves = defineCheck({
  id: 'names.server-name',
  number: 505,
  title: 'server.name is in the name service',
  why: 'Many servers refuse mail from a host whose greeting name has no address (RFC 5321 §4.1.4).',
  needs: ['settings', 'resolver', 'host'],
  after: ['names.servers-answer'],
  cost: 'network',
  async look({ settings, resolver, host }) {
    const { name } = settings.server;
    if (isReservedName(name)) return notApplicable(`${name} is a name for use inside a network or in tests`);
    const [four, six] = await Promise.all([resolver.query(name, 'A'), resolver.query(name, 'AAAA')]);
    const evidence = [
      row(`A of ${name}`, 'an address', words(four)),
      row(`AAAA of ${name}`, 'an address, where there is IPv6', words(six)),
    ];
    const addresses = [four, six].flatMap((answer) => (answer.kind === 'records' ? answer.records : []));
    if (addresses.length > 0) {
      const here = addresses.some((address) => own(address, { host }));
      return healthy([
        ...evidence,
        row('its addresses', 'lead here', here ? 'on this host' : 'not on this host: behind a gateway, or elsewhere'),
      ]);
    }
    if (four.kind === 'failure' || six.kind === 'failure') return unknown('the look-up failed', evidence);
    return unhealthy(
      `The name ${name}, which this server greets with, has no address in the name service: others may refuse its mail.`,
      { cure: `Publish: ${name}. 3600 IN A <your public IPv4 address>; or set server.name to a name that has one` },
      evidence,
    );
  },
});

/** Mail comes to a domain by its MX, or its address. */
export const domainsLeadSomewhere = defineCheck({
  id: 'names.domains',
  number: 506,
  title: 'Our domains have an MX or an address',
  why: 'Other servers find this one by the MX of the domain, else by its address (RFC 5321 §5.1).',
  needs: ['settings', 'resolver'],
  after: ['names.servers-answer'],
  cost: 'network',
  async look({ settings, resolver }) {
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const domains = Object.keys(settings.domains).filter(
      (domain) => !isReservedName(domain) && parseIp(domain) === undefined,
    );
    if (domains.length === 0) return notApplicable('no domain is one of the public name service');
    const some = domains.slice(0, sampleMax);
    const found = await Promise.all(
      some.map(async (domain) => [await resolver.query(domain, 'MX'), await resolver.query(domain, 'A')] as const),
    );
    const evidence = some.map((domain, index) =>
      row(`MX of ${domain}`, settings.server.name, found[index] === undefined ? '' : words(found[index][0])),
    );
    const lost = some.find((_, index) =>
      found[index]?.every(({ kind }) => kind === 'no-such-name' || kind === 'no-data'),
    );
    if (lost !== undefined)
      return unhealthy(
        `The domain ${lost} has neither MX nor address in the name service: nobody elsewhere can send mail to it.`,
        { cure: `Publish: ${lost}. 3600 IN MX 10 ${settings.server.name}.` },
        evidence,
      );
    return found.some((both) => both.some(({ kind }) => kind === 'failure'))
      ? unknown('some look-ups failed', evidence)
      : healthy(evidence);
  },
});
