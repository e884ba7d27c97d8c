import type { RecordData } from '../../../world/ports/resolver.ts';
import { zoneLine } from '../../records/index.ts';
import { defineCheck } from '../check.ts';
import { certificateKeyHash, fits, ownChain } from '../facts/own-certificate.ts';
import { isPublished } from '../facts/published.ts';
import { isForTrying } from '../facts/usage.ts';
import { askingMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

const print = ({ usage, selector, matching, data }: RecordData['TLSA']): string =>
  `${usage} ${selector} ${matching} ${data.toString('hex')}`;

/** A TLSA record that does not fit keeps away all who verify by DANE. */
export const tlsaFits = defineCheck({
  id: 'records.dane',
  number: 1505,
  title: 'The TLSA record of this server fits its certificate',
  why: 'Senders that verify by DANE (RFC 7672) deliver only to a server whose certificate its TLSA record names. A renewed key with an old record keeps their mail away.',
  needs: ['settings', 'resolver', 'disk'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look({ settings, resolver, disk }) {
    const { name } = settings.server;
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    if (!(await isPublished(resolver, name)))
      return notApplicable(`${name} is a name for use inside a network or in tests`);
    const owner = `_25._tcp.${name}`;
    const answer = await resolver.query(owner, 'TLSA');
    if (answer.kind === 'failure') return unknown(`TLSA of ${owner}: ${answer.reason}`);
    if (answer.kind !== 'records') return notApplicable(`there is no TLSA record at ${owner}`);
    const chain = await ownChain({ settings, disk });
    const evidence = answer.records.map((record) => row(`TLSA of ${owner}`, 'fits our certificate', print(record)));
    if (typeof chain === 'string') return unknown(`the certificate cannot be read (${chain})`, evidence);
    const [leaf] = chain;
    if (leaf === undefined) return unknown('there is no certificate to compare with', evidence);
    if (answer.records.some((record) => fits(record, chain))) return healthy(evidence);
    const value = `3 1 1 ${certificateKeyHash(leaf)}`;
    return unhealthy(
      `No TLSA record of ${owner} fits the certificate of this server: senders that verify by DANE do not deliver to it.`,
      { cure: `Publish: ${zoneLine({ name: owner, type: 'TLSA', value })} in place of the old ones` },
      [...evidence, row('our certificate', 'is named', value)],
    );
  },
});
