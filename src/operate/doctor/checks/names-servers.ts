import { printNameServer, type NameServer } from '../../../transport/resolver/name-servers.ts';
import { defineCheck, type Parts } from '../check.ts';
import { askByTcp, type NameServerReply } from '../facts/name-server.ts';
import {
  askChance,
  askRoots,
  BEHIND_THE_STUB,
  cureFor,
  mendOf,
  NOTHING,
  resolves,
  ROOT,
  seen,
  whyRefused,
  whySilent,
} from '../facts/name-server-trouble.ts';
import { wrongNames } from '../facts/needs-names.ts';
import { checkMsMax, nameServerWaitMs } from '../limits.ts';
import { healthy, row, type Evidence, type Verdict } from '../verdict.ts';

const OTHER_SERVERS = 'names.other-servers';

/** What one server replied, as rows of evidence. */
type Replied = readonly [server: NameServer, reply: NameServerReply];

const rowsOf = (replied: readonly Replied[], how: string, expected: string): readonly Evidence[] =>
  replied.map(([server, reply]) => row(`${printNameServer(server)} ${how}`, expected, seen(reply)));

/** Whether the service, which waits so long, gets what the server answers. */
const inTime = (reply: NameServerReply, { names }: Parts['settings']): boolean =>
  reply.kind === 'response' && reply.tookMs <= names.timeout;

/** Each server separately: one dead server of two makes every second look-up slow. */
export const serversAnswer = defineCheck({
  id: 'names.servers-answer',
  number: 502,
  title: 'Every name server answers',
  why: 'Without the name service mail for elsewhere waits; with one dead server of several it is slow.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random', 'host', 'memory'],
  after: ['names.servers-configured', 'host.network'],
  cost: 'network',
  deadlineMs: checkMsMax,
  async look(parts) {
    const { settings, nameServers, host } = parts;
    const { servers, from, named } = nameServers;
    const roots = await Promise.all(askRoots(parts));
    const replies = roots.map(({ reply }) => reply);
    const works = (index: number): boolean =>
      resolves(replies[index] ?? NOTHING) && roots[index]?.knowsNothing === false;
    const evidence = servers.flatMap((server, index) => {
      const reply = replies[index] ?? NOTHING;
      const one = row(`${printNameServer(server)} by UDP`, 'NOERROR', seen(reply));
      if (!works(index) || reply.kind === 'silent') return [one];
      const validates = reply.response.authenticated ? 'validates' : 'does not';
      return [one, row(`${printNameServer(server)} and DNSSEC`, 'validates', validates)];
    });
    const bad = servers.findIndex((_, index) => !works(index));
    const server = servers[bad];
    const reply = replies[bad];
    if (server === undefined || reply === undefined) {
      const slow = replies.findIndex((one) => !inTime(one, settings));
      return slow === -1 ? healthy(evidence) : tooSlow(settings, servers[slow], replies[slow], evidence);
    }
    const others = servers.length === 1 ? 'there is no other' : `it is one of ${servers.length}`;
    const trouble =
      reply.kind === 'silent' ? await whySilent(parts, server, from, reply.why) : await whyRefused(host, server, reply);
    const all = [...evidence, ...trouble.evidence];
    if (!named && reply.kind === 'silent') {
      const [text, link] = await Promise.all([host.text('/etc/resolv.conf'), host.link('/etc/resolv.conf')]);
      const what = text.ok
        ? 'names no name server (no nameserver line)'
        : link.ok
          ? `leads to ${link.value}, which is not there`
          : `is not there (${text.errno})`;
      return wrongNames(
        settings,
        `/etc/resolv.conf ${what}, and no server answers on this host (127.0.0.1).`,
        {
          cure: "Write 'nameserver ADDRESS' into /etc/resolv.conf, or set names.servers: [ADDRESS]; then: ims reload",
          event: 3701,
        },
        [row('/etc/resolv.conf', 'nameserver lines', text.ok ? 'none' : text.errno), ...all],
      );
    }
    const repair = (await host.text(BEHIND_THE_STUB)).ok ? { repair: OTHER_SERVERS } : {};
    return wrongNames(
      settings,
      `${trouble.cause}; ${others}.`,
      { cure: await cureFor(server, from, host, mendOf(reply)), event: servers.length === 1 ? 3701 : 3700, ...repair },
      all,
    );
  },
});

function tooSlow(
  settings: Parts['settings'],
  server: NameServer | undefined,
  reply: NameServerReply | undefined,
  evidence: readonly Evidence[],
): Verdict {
  const shown = server === undefined ? '' : printNameServer(server);
  const ms = reply?.kind === 'response' ? reply.tookMs : 0;
  return wrongNames(
    settings,
    `Name server ${shown} is slow: it answers after ${(ms / 1000).toFixed(1)} s only; the service waits ${settings.names.timeout / 1000} s (names.timeout).`,
    {
      cure: `Name a server nearer by in names.servers; or set names.timeout: ${Math.ceil((ms * 1.5) / 1000)}s; then: ims reload`,
      event: 3700,
    },
    evidence,
  );
}

/** Looks for the rest need one server that resolves, not every one. */
export const someServerResolves = defineCheck({
  id: 'names.resolution',
  number: 508,
  title: 'At least one name server resolves',
  why: 'What is looked up for other checks is asked of any of them.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random', 'memory'],
  after: ['names.servers-configured', 'host.network'],
  cost: 'network',
  deadlineMs: 7000,
  async look(parts) {
    const { settings, nameServers } = parts;
    const roots = askRoots(parts);
    // Those who want to know next need not wait for the end of this.
    askChance(parts);
    const asked = roots.map(async (root, index) => {
      const { reply, knowsNothing } = await root;
      const server = nameServers.servers[index];
      if (server === undefined || !resolves(reply) || knowsNothing || !inTime(reply, settings))
        throw new Error(seen(reply));
      return row(printNameServer(server), 'an answer', seen(reply));
    });
    try {
      return healthy([await Promise.any(asked)]);
    } catch {
      // Each said no; which and why is for the check of every one.
      return { kind: 'blocked', by: serversAnswer.id, evidence: [] };
    }
  },
});

/** Long answers come by TCP only. */
export const serversAnswerTcp = defineCheck({
  id: 'names.servers-answer-tcp',
  number: 503,
  title: 'Every name server answers by TCP too',
  why: 'An answer that is too long for a datagram is asked for again by TCP (RFC 7766 §5); without it such domains cannot be reached.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random'],
  after: ['names.servers-answer', 'host.no-interposer'],
  cost: 'network',
  deadlineMs: 6000,
  async look({ settings, nameServers: { servers }, ...world }) {
    const replies = await Promise.all(
      servers.map(async (server): Promise<Replied> => [server, await askByTcp(world, server, ROOT, 'NS')]),
    );
    const evidence = rowsOf(replies, 'by TCP', 'an answer');
    const [server] = replies.find(([, { kind }]) => kind === 'silent') ?? [];
    if (server === undefined) return healthy(evidence);
    return wrongNames(
      settings,
      `Name server ${printNameServer(server)} answers by UDP and not by TCP (port ${server.port} is closed or filtered): answers that are too long for a datagram come truncated, and such domains cannot be looked up.`,
      {
        cure: `Let TCP port ${server.port} to ${server.address} through the firewall, or name another server in names.servers`,
      },
      evidence,
    );
  },
});

/** The service asks with EDNS first. */
export const serversKnowEdns = defineCheck({
  id: 'names.servers-edns',
  number: 509,
  title: 'Name servers answer questions with EDNS',
  why: 'The service asks with EDNS (RFC 6891), which allows longer answers by UDP. A firewall that drops such questions makes every first look-up wait in vain.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random', 'memory'],
  after: ['names.resolution'],
  cost: 'network',
  deadlineMs: 7000,
  async look(parts) {
    const { settings, nameServers } = parts;
    const roots = await Promise.all(askRoots(parts));
    const evidence = rowsOf(
      nameServers.servers.map((server, index): Replied => [server, roots[index]?.withEdns ?? NOTHING]),
      'asked with EDNS',
      'NOERROR',
    );
    // Where the plain question went no further either, it is not for EDNS.
    const bad = roots.findIndex(({ withEdns, reply }) => reply !== withEdns && resolves(reply));
    const [server, root] = [nameServers.servers[bad], roots[bad]];
    if (server === undefined || root === undefined) return healthy(evidence);
    const shown = printNameServer(server);
    const how =
      root.withEdns.kind === 'silent'
        ? `none with EDNS within ${nameServerWaitMs / 1000} s: something on the way drops them`
        : `refuses those with EDNS (${seen(root.withEdns)}): it is old, or something on the way forbids them. The service asks again without, and long answers come by TCP`;
    return wrongNames(
      settings,
      `Name server ${shown} answers plain questions and ${how}.`,
      { cure: 'Let UDP with EDNS pass the firewall (no inspection of DNS), or name another server in names.servers' },
      [...evidence, row(`${shown} asked without`, 'NOERROR', seen(root.reply))],
    );
  },
});

/** Rewritten negatives turn every mistyped domain into one that takes connections. */
export const noRewriting = defineCheck({
  id: 'names.no-rewriting',
  number: 504,
  title: 'Name servers say so where a name does not exist',
  why: 'A server that answers an address of its own for names that do not exist makes mail for mistyped domains wait instead of come back.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random', 'host', 'memory'],
  after: ['names.resolution'],
  cost: 'network',
  deadlineMs: 6000,
  async look(parts) {
    const { settings, host } = parts;
    const { from } = parts.nameServers;
    const asked = await Promise.all(askChance(parts));
    const evidence = asked.map(({ server, name, reply }) =>
      row(`A of a chance name below .${name.split('.')[1]}, from ${printNameServer(server)}`, 'NXDOMAIN', seen(reply)),
    );
    const liar = asked.find(
      ({ reply }) => reply.kind === 'response' && reply.response.rcode === 0 && reply.response.answers.length > 0,
    );
    if (liar === undefined) return healthy(evidence);
    const address =
      liar.reply.kind === 'response' ? liar.reply.response.answers.find(({ type }) => type === 'A') : undefined;
    return wrongNames(
      settings,
      `Name server ${printNameServer(liar.server)} rewrites answers: for a name that does not exist it gives the address ${address?.type === 'A' ? address.data : 'of another host'}.`,
      {
        cure: `${await cureFor(liar.server, from, host, 'Turn the rewriting off there')}; it must not rewrite answers`,
      },
      evidence,
    );
  },
});
