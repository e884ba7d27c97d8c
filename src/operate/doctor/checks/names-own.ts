import { canonicalIp, parseIp, reverseName } from '../../../base/ip.ts';
import type { Answer } from '../../../world/ports/resolver.ts';
import { zoneLine } from '../../records/index.ts';
import { defineCheck, type Parts } from '../check.ts';
import {
  answerInWords,
  askPatiently,
  isPublished,
  publishedDomains,
  recordsOf,
  zoneFails,
} from '../facts/published.ts';
import { type HeloName, heloNames } from '../facts/helo-names.ts';
import { sendingFrom, type Sending } from '../facts/sending.ts';
import { isForTrying } from '../facts/usage.ts';
import { askingMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

const own = (address: string, parts: Pick<Parts, 'host'>): boolean => {
  const read = parts.host.addresses();
  return read.ok && read.value.some((one) => one.address === canonicalIp(address));
};

const sentFrom = (sending: Sending): readonly string[] =>
  sending.kind === 'here' ? sending.addresses.filter(({ inside }) => !inside).map(({ address }) => address) : [];

const leadsTo = (answer: Answer<'A' | 'AAAA'>, address: string): boolean =>
  recordsOf(answer).some((one) => canonicalIp(one) === address);

/** The name of this host by the reverse names of its addresses, where that leads back to it. */
async function reverseNameHere(resolver: Parts['resolver'], addresses: readonly string[]): Promise<string | undefined> {
  const found = await Promise.all(
    addresses.map(async (address) => {
      const ip = parseIp(address);
      if (ip === undefined) return undefined;
      const names = recordsOf(await resolver.query(reverseName(ip), 'PTR')).slice(0, 3);
      const back = await Promise.all(names.map((name) => resolver.query(name, ip.family === 4 ? 'A' : 'AAAA')));
      return names.find((_, at) => back[at]?.kind === 'records' && leadsTo(back[at], address));
    }),
  );
  return found.find((name) => name !== undefined);
}

/** A further name that some mail greets with, and what the name service says of it. */
async function lookAtName(
  { name, key, addresses }: HeloName,
  parts: Pick<Parts, 'resolver' | 'clock'>,
): Promise<{ readonly evidence: readonly Evidence[]; readonly fault?: readonly [cause: string, cure: string] }> {
  const [four, six] = await Promise.all([askPatiently(parts, name, 'A'), askPatiently(parts, name, 'AAAA')]);
  const found = [...recordsOf(four), ...recordsOf(six)].map((one) => canonicalIp(one) ?? one);
  const wanted = addresses.map((one) => canonicalIp(one) ?? one);
  const evidence = [
    row(`addresses of ${name} (${key})`, wanted.join(', ') || 'an address', found.join(', ') || 'none'),
  ];
  if (four.kind === 'failure' || six.kind === 'failure') return { evidence };
  const missing = wanted.filter((one) => !found.includes(one));
  if (found.length > 0 && missing.length === 0) return { evidence };
  const lines = (missing.length === 0 ? ['<the address that others see>'] : missing).map((value) =>
    zoneLine({ name, type: value.includes(':') ? 'AAAA' : 'A', value }),
  );
  const cause =
    found.length === 0
      ? `The name ${name}, which ${key} lets mail greet with, does not resolve: others may refuse that mail.`
      : `The name ${name}, which ${key} lets mail greet with, does not lead to ${missing.join(', ')}, where that mail comes from: others may refuse it.`;
  return { evidence, fault: [cause, `Publish: ${lines.join(' and ')}; or correct ${key}`] };
}

/** The further names must lead to where their mail comes from. */
async function otherNames(
  parts: Pick<Parts, 'settings' | 'resolver' | 'clock'>,
): Promise<Verdict | readonly Evidence[]> {
  const { settings, resolver } = parts;
  const names = heloNames(settings).filter(({ name }) => name !== settings.server.name.toLowerCase());
  const inPublic = await Promise.all(names.map(({ name }) => isPublished(resolver, name)));
  const looked = await Promise.all(
    names
      .filter((_, at) => inPublic[at] === true)
      .slice(0, NAMES_MAX)
      .map((one) => lookAtName(one, parts)),
  );
  const evidence = looked.flatMap((one) => one.evidence);
  const [fault] = looked.flatMap((one) => (one.fault === undefined ? [] : [one.fault]));
  return fault === undefined ? evidence : unhealthy(fault[0], { cure: fault[1] }, evidence);
}

/** Names of `heloName` that are looked up. */
const NAMES_MAX = 10;

/** The name that we greet with must lead here. */
export const serverNameResolves = defineCheck({
  id: 'names.server-name',
  number: 505,
  title: 'server.name is in the name service',
  why: 'Many servers refuse mail from a host whose greeting name (HELO, EHLO) has no address (RFC 5321 §4.1.4).',
  needs: ['settings', 'resolver', 'host', 'clock'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look({ settings, resolver, host, clock }) {
    const { name } = settings.server;
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    if (!(await isPublished(resolver, name)))
      return notApplicable(`${name} is a name for use inside a network or in tests`);
    const [four, six, sending, others] = await Promise.all([
      askPatiently({ resolver, clock }, name, 'A'),
      askPatiently({ resolver, clock }, name, 'AAAA'),
      sendingFrom(settings, host),
      otherNames({ settings, resolver, clock }),
    ]);
    const evidence = [
      row(`A of ${name}`, 'an address', answerInWords(four)),
      row(`AAAA of ${name}`, 'an address, where there is IPv6', answerInWords(six)),
    ];
    const addresses = [...recordsOf(four), ...recordsOf(six)].map((one) => canonicalIp(one) ?? one);
    const sent = sentFrom(sending);
    if (addresses.length > 0) {
      if ('kind' in others) return others;
      const here = addresses.some((address) => own(address, { host }));
      const matches = sent.filter((address) => addresses.includes(address)).join(', ') || 'not among them';
      return healthy([
        ...evidence,
        ...others,
        row('its addresses', 'lead here', here ? 'on this host' : 'not on this host: behind a gateway, or elsewhere'),
        ...(sent.length === 0 ? [] : [row('the address that mail is sent from', 'among them', matches)]),
      ]);
    }
    if (zoneFails(four) || zoneFails(six))
      return unhealthy(
        `The name ${name}, which this server greets with (HELO, EHLO), cannot be looked up: the name servers of its zone fail (${answerInWords(zoneFails(four) ? four : six)}).`,
        { cure: `Look at the name servers of the zone (dig +trace ${name} A), or ask who serves it` },
        evidence,
      );
    if (four.kind === 'failure' || six.kind === 'failure') return unknown('the look-up failed', evidence);
    const other = await reverseNameHere(resolver, sent);
    const line =
      sent.length === 0
        ? `${name}. 3600 IN A <your public IPv4 address>`
        : sent.map((value) => zoneLine({ name, type: value.includes(':') ? 'AAAA' : 'A', value })).join(' and ');
    const better =
      other === undefined || other === name ? 'to a name that has one' : `: ${other} (it leads to this host)`;
    return unhealthy(
      `The name ${name}, which this server greets with (HELO, EHLO), does not resolve: it has no address in the name service, and others may refuse its mail.`,
      { cure: `Publish: ${line}; or set server.name${better.startsWith(':') ? '' : ' '}${better}` },
      other === undefined ? evidence : [...evidence, row('the reverse name of this host', name, other)],
    );
  },
});

interface MxFound {
  readonly domain: string;
  readonly mx: Answer<'MX'>;
  readonly addresses: readonly Answer<'A' | 'AAAA'>[];
  /** Each MX host, and what its addresses are. */
  readonly hosts: readonly { readonly name: string; readonly a: Answer<'A'>; readonly aaaa: Answer<'AAAA'> }[];
}

const HOSTS_MAX = 4;

async function lookAtMx(parts: Pick<Parts, 'resolver' | 'clock'>, domain: string): Promise<MxFound> {
  const { resolver } = parts;
  const [mx, a, aaaa] = await Promise.all([
    askPatiently(parts, domain, 'MX'),
    resolver.query(domain, 'A'),
    resolver.query(domain, 'AAAA'),
  ]);
  const names = recordsOf(mx)
    .map(({ exchange }) => exchange)
    .filter((name) => name !== '');
  const hosts = await Promise.all(
    names.slice(0, HOSTS_MAX).map(async (name) => {
      const both = await Promise.all([resolver.query(name, 'A'), resolver.query(name, 'AAAA')]);
      return { name, a: both[0], aaaa: both[1] };
    }),
  );
  return { domain, mx, addresses: [a, aaaa], hosts };
}

const nothing = ({ kind }: Answer<'A' | 'AAAA' | 'MX'>): boolean => kind === 'no-such-name' || kind === 'no-data';

/** An MX must name a host itself (RFC 2181 §10.3). */
function aliasFault(domain: string, hosts: MxFound['hosts']): readonly [cause: string, cure: string] | undefined {
  for (const { name, a, aaaa } of hosts)
    for (const answer of [a, aaaa])
      if (answer.kind === 'records' && answer.canonicalName !== name)
        return [
          `The MX of ${domain} names ${name}, an alias (CNAME) of ${answer.canonicalName}: an MX must name a host itself (RFC 2181 §10.3), and some servers do not send to such a domain.`,
          `Publish: ${zoneLine({ name: domain, type: 'MX', value: `10 ${answer.canonicalName}` })} instead, or address records for ${name} in place of the CNAME`,
        ];
  return undefined;
}

/** What is wrong with the way to a domain, if something is. */
function faultOf(
  { domain, mx, addresses, hosts }: MxFound,
  serverName: string,
): readonly [cause: string, cure: string] | undefined {
  const publish = `Publish: ${zoneLine({ name: domain, type: 'MX', value: `10 ${serverName}` })}`;
  if (zoneFails(mx))
    return [
      `The domain ${domain} cannot be looked up: the name servers of its zone fail (${answerInWords(mx)}). Nobody elsewhere can send mail to it.`,
      `Look at the name servers of the zone (dig +trace ${domain} MX), or ask who serves it`,
    ];
  if (nothing(mx) && addresses.every(nothing))
    return [
      `The domain ${domain} has neither MX nor address in the name service: nobody elsewhere can send mail to it.`,
      publish,
    ];
  if (mx.kind !== 'records') return undefined;
  if (mx.records.every(({ exchange }) => exchange === ''))
    return [
      `The MX of ${domain} is '.': it tells others that the domain takes no mail (RFC 7505).`,
      `${publish} instead of '0 .'`,
    ];
  const literal = hosts.find(({ name }) => parseIp(name) !== undefined);
  if (literal !== undefined)
    return [
      `The MX of ${domain} is ${literal.name}, an address: it must be a name (RFC 5321 §5.1).`,
      `${publish} instead`,
    ];
  const lost = hosts.filter(({ a, aaaa }) => nothing(a) && nothing(aaaa));
  if (lost.length === 0) return aliasFault(domain, hosts);
  const names = lost.map(({ name }) => name).join(', ');
  if (lost.length === hosts.length)
    return [
      `The MX of ${domain} names ${names}, which has no address: nobody elsewhere can send mail to it.`,
      `Publish an address of ${names}, or an MX that has one: ${domain}. 3600 IN MX 10 ${serverName}.`,
    ];
  return [
    `One MX of ${domain}, ${names}, has no address: mail that tries it first comes late.`,
    `Take this MX out of the zone, or publish an address of ${names}`,
  ];
}

/** Mail comes to a domain by its MX, or its address. */
export const domainsLeadSomewhere = defineCheck({
  id: 'names.domains',
  number: 506,
  title: 'Our domains have an MX or an address',
  why: 'Other servers find this one by the MX of the domain, else by its address (RFC 5321 §5.1).',
  needs: ['settings', 'resolver', 'host', 'clock'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look({ settings, resolver, host, clock }): Promise<Verdict> {
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    if (Object.values(settings.listeners).every(({ profile }) => profile !== 'mx'))
      return notApplicable('no listener takes mail of other servers');
    const domains = await publishedDomains(resolver, settings);
    if (domains.length === 0) return notApplicable('no domain is one of the public name service');
    const found = await Promise.all(domains.map((domain) => lookAtMx({ resolver, clock }, domain)));
    const evidence = found.flatMap((one): Evidence[] => {
      const here = one.hosts.some(
        ({ name, a, aaaa }) =>
          name === settings.server.name ||
          [...recordsOf(a), ...recordsOf(aaaa)].some((address) => own(address, { host })),
      );
      const leads = here || one.hosts.length === 0 ? '' : ' (not this host: a filter or gateway before it?)';
      return [row(`MX of ${one.domain}`, settings.server.name, `${answerInWords(one.mx)}${leads}`)];
    });
    const nameless = found.some(({ hosts }) =>
      hosts.some(({ name, a, aaaa }) => name === settings.server.name && nothing(a) && nothing(aaaa)),
    );
    // It is one fault, and that of the name.
    if (nameless) return { kind: 'blocked', by: serverNameResolves.id, evidence };
    for (const one of found) {
      const fault = faultOf(one, settings.server.name);
      if (fault !== undefined) return unhealthy(fault[0], { cure: fault[1] }, evidence);
    }
    return found.some(({ mx, addresses }) => [mx, ...addresses].some(({ kind }) => kind === 'failure'))
      ? unknown('some look-ups failed', evidence)
      : healthy(evidence);
  },
});

/** Signatures of a zone of ours that do not hold make us invisible to all who validate. */
export const zonesValidate = defineCheck({
  id: 'names.dnssec',
  number: 511,
  title: 'The signatures of our zones hold',
  why: 'Who validates DNSSEC gets no answer at all for a zone whose signatures are wrong or old (RFC 4035 §5.5): mail neither comes nor goes.',
  needs: ['settings', 'resolver'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look({ settings, resolver }): Promise<Verdict> {
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const domains = await publishedDomains(resolver, settings);
    const { name } = settings.server;
    const asked = [
      ...(parseIp(name) === undefined ? [[name, 'A'] as const] : []),
      ...domains.map((one) => [one, 'MX'] as const),
    ];
    const answers = await Promise.all(
      asked.map(async ([one, type]) => ({ one, type, answer: await resolver.query(one, type) })),
    );
    const evidence = answers.map(({ one, type, answer }) =>
      row(`${type} of ${one}`, 'an answer', answerInWords(answer)),
    );
    const bogus = answers.find(({ answer }) => answer.kind === 'failure' && /DNSSEC validation/.test(answer.reason));
    if (bogus?.answer.kind !== 'failure')
      return answers.some(({ answer }) => answer.kind === 'failure')
        ? unknown('some look-ups failed', evidence)
        : healthy(evidence);
    return unhealthy(
      `The DNSSEC signatures of the zone of ${bogus.one} do not hold: ${bogus.answer.reason}. Whoever validates finds no host of it.`,
      {
        cure: 'Sign the zone again (or ask who serves it), and compare the DS record at the registrar with the key of the zone',
      },
      evidence,
    );
  },
});
