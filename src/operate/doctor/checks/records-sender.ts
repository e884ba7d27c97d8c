import { checkSpf, type SpfVerdict } from '../../../authentication/spf/index.ts';
import { canonicalIp, parseIp, reverseName } from '../../../base/ip.ts';
import { recordsToPublish, withAddress, zoneLine } from '../../records/index.ts';
import { defineCheck, type Parts } from '../check.ts';
import { askPatiently, publishedDomains, recordsOf, zoneFails } from '../facts/published.ts';
import { senders } from '../facts/senders.ts';
import type { SendingAddress } from '../facts/sending.ts';
import { askingMs, sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Cure, type Evidence, type Verdict } from '../verdict.ts';

interface Fault extends Cure {
  readonly family: 4 | 6;
  readonly cause: string;
}

/**
 * Where mail can go by IPv4 and something is amiss with IPv6 only, no alarm is raised: whether mail ever leaves by IPv6 depends on
 * who gets it.
 */
function judge(addresses: readonly SendingAddress[], faults: readonly Fault[], evidence: readonly Evidence[]): Verdict {
  const [first] = faults.toSorted((a, b) => a.family - b.family);
  if (first === undefined) return healthy(evidence);
  const { family, cause, ...cure } = first;
  const other = addresses.some((one) => one.family === 4);
  if (family === 6 && other)
    return unknown(
      `IPv4 is well, and mail that leaves by IPv6 may be refused: ${cause} ${cure.cure}; or set routing.ipVersions: '4'.`,
      evidence,
    );
  return unhealthy(cause, cure, evidence);
}

interface Reverse {
  readonly evidence: readonly Evidence[];
  readonly fault?: Fault;
  /** What could not be looked up. */
  readonly unseen?: string;
  /** The reverse name is server.name, which has no address: that is the fault, and another check's. */
  readonly nameless?: true;
}

async function reverseOf(
  { address, family, how, greetingName }: SendingAddress,
  parts: Pick<Parts, 'resolver' | 'clock'>,
  serverName: string,
): Promise<Reverse> {
  const { resolver } = parts;
  const ip = parseIp(address);
  if (ip === undefined) return { evidence: [] };
  const name = reverseName(ip);
  const answer = await askPatiently(parts, name, 'PTR');
  if (answer.kind === 'failure' && zoneFails(answer))
    return {
      evidence: [row(`PTR of ${address} (${how})`, greetingName, answer.reason)],
      fault: {
        family,
        cause: `The reverse name (PTR) of ${address}, which mail is sent from, cannot be looked up: the name servers of its reverse zone fail (${answer.reason}). Many servers refuse such mail, or let it wait.`,
        cure: `Ask the owner of the address (your provider) to repair the reverse zone (dig +trace ${name} PTR)`,
      },
    };
  if (answer.kind === 'failure') return { evidence: [], unseen: `PTR of ${address}: ${answer.reason}` };
  const names = answer.kind === 'records' ? answer.records : [];
  const told = row(`PTR of ${address} (${how})`, greetingName, names.join(', ') || 'no such record');
  const ask = `Ask the owner of the address (your provider) for: ${zoneLine({ name, type: 'PTR', value: greetingName })}`;
  if (names.length === 0) {
    const cause = `The address ${address}, which mail is sent from, has no reverse name (PTR record): many servers refuse its mail.`;
    return { evidence: [told], fault: { family, cause, cure: ask } };
  }
  const type = family === 4 ? 'A' : 'AAAA';
  const forward = await Promise.all(names.slice(0, sampleMax).map((one) => resolver.query(one, type)));
  const back = names.filter((_, index) => {
    const answer = forward[index];
    return answer !== undefined && recordsOf(answer).some((one) => canonicalIp(one) === address);
  });
  const evidence = [told, row('names that lead back', names.join(', '), back.join(', ') || 'none')];
  if (back.length > 0) return { evidence };
  if (forward.some(({ kind }) => kind === 'failure'))
    return { evidence, unseen: `where the reverse name of ${address} leads: the look-up failed` };
  if (names.includes(serverName)) {
    const both = await Promise.all([resolver.query(serverName, 'A'), resolver.query(serverName, 'AAAA')]);
    if (both.every(({ kind }) => kind === 'no-such-name' || kind === 'no-data')) return { evidence, nameless: true };
  }
  const cause = `The reverse name (PTR) of ${address} is ${names.join(', ')}, which does not lead back to ${address}: many servers refuse its mail.`;
  const cure = `Publish an address record (${type}) ${address} for ${names[0]}, or: ${ask}`;
  return { evidence, fault: { family, cause, cure } };
}

/** Many servers refuse an address without a name. */
export const reverseNames = defineCheck({
  id: 'names.reverse',
  number: 510,
  title: 'The address that mail is sent from has a reverse name (PTR) that leads back to it',
  why: 'Many servers refuse a connection from an address without PTR record, or whose name does not lead back to it (forward-confirmed reverse DNS).',
  needs: ['settings', 'host', 'resolver', 'clock'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look(parts): Promise<Verdict> {
    const found = await senders(parts);
    if ('verdict' in found) return found.verdict;
    const looked = await Promise.all(found.addresses.map((one) => reverseOf(one, parts, parts.settings.server.name)));
    const evidence = looked.flatMap((one) => one.evidence);
    const verdict = judge(
      found.addresses,
      looked.flatMap(({ fault }) => fault ?? []),
      evidence,
    );
    if (verdict.kind === 'unhealthy') return verdict;
    if (looked.some(({ nameless }) => nameless)) return { kind: 'blocked', by: 'names.server-name', evidence };
    const unseen = looked.find((one) => one.unseen !== undefined)?.unseen;
    return verdict.kind === 'healthy' && unseen !== undefined ? unknown(unseen, evidence) : verdict;
  },
});

function spfFault(
  domain: string,
  { address, family }: SendingAddress,
  verdict: SpfVerdict,
  proposal: string,
): Fault | undefined {
  const publish = (value: string): string => `Publish: ${zoneLine({ name: domain, type: 'TXT', value })}`;
  switch (verdict.result) {
    case 'pass':
    case 'neutral':
    case 'temperror':
      return undefined;
    case 'none':
      return {
        family,
        cause: `The domain ${domain} has no SPF record: large providers refuse mail of such domains, and anybody can pretend to be it.`,
        cure: `Publish: ${proposal}`,
      };
    case 'permerror':
      return {
        family,
        cause: `The SPF record of ${domain} does not work${verdict.term === undefined ? '' : `, at '${verdict.term}'`}: ${verdict.problem}. Receivers treat it as if there were none, or refuse.`,
        cure: `Correct it, for example to: ${proposal}`,
      };
    default: {
      const record = verdict.record ?? '';
      const cause = `The SPF record of ${domain} does not cover ${address}, which mail is sent from (${verdict.result} by '${verdict.term ?? ''}' in "${record}"): receivers refuse it or take it for spam.`;
      const cure =
        verdict.domain === domain
          ? `${publish(withAddress(record, address))} in place of the old one`
          : `Let the owner of ${verdict.domain} add ${address}`;
      return { family, cause, cure };
    }
  }
}

/** The addresses that mail of a domain leaves from: its own, where it has some, else those of all. */
function addressesFor(domain: string, addresses: readonly SendingAddress[]): readonly SendingAddress[] {
  const own = addresses.filter(({ senders }) => senders?.some((one) => one.toLowerCase() === domain.toLowerCase()));
  return own.length > 0 ? own : addresses.filter(({ senders }) => senders === undefined);
}

/** Who may send for our domains. */
export const spfCovers = defineCheck({
  id: 'records.spf',
  number: 1501,
  title: 'The SPF records of our domains cover the address that mail is sent from',
  why: 'Receivers look up who may send for a domain (RFC 7208); mail from an address that its record does not name is refused or marked.',
  needs: ['settings', 'host', 'resolver'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look(parts) {
    const found = await senders(parts);
    if ('verdict' in found) return found.verdict;
    const { settings, resolver } = parts;
    const domains = await publishedDomains(resolver, settings);
    if (domains.length === 0) return notApplicable('no domain is one of the public name service');
    const looked = await Promise.all(
      domains.flatMap((domain) =>
        addressesFor(domain, found.addresses).map(async (address) => ({
          domain,
          address,
          verdict: await checkSpf(resolver, {
            address: address.address,
            helo: address.greetingName,
            sender: `postmaster@${domain}`,
          }),
        })),
      ),
    );
    const evidence = looked.map(({ domain, address, verdict }) =>
      row(
        `SPF of ${domain} for ${address.address}`,
        'pass',
        `${verdict.result}${verdict.record === undefined ? '' : ` ("${verdict.record}", ${verdict.lookups} look-ups of 10)`}${verdict.problem === undefined ? '' : `: ${verdict.problem}`}`,
      ),
    );
    const faults = looked.flatMap(({ domain, address, verdict }) => {
      const addresses = addressesFor(domain, found.addresses).map((one) => one.address);
      const proposal = recordsToPublish({ serverName: settings.server.name, domains: [domain], addresses }).find(
        ({ purpose }) => purpose === 'spf',
      );
      return spfFault(domain, address, verdict, proposal?.zoneLine ?? '') ?? [];
    });
    const unseen = looked.find(({ verdict }) => verdict.result === 'temperror');
    const verdict = judge(found.addresses, faults, evidence);
    return verdict.kind === 'healthy' && unseen !== undefined
      ? unknown(`the look-up failed: ${unseen.verdict.problem ?? ''}`, evidence)
      : verdict;
  },
});
