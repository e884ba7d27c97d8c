import { canonicalIp } from '../../base/ip.ts';
import { checkSpf } from '../../authentication/spf/index.ts';
import { isOurs, readKeyRecord } from '../../protocol/dkim-signing/key.ts';
import {
  isDmarc,
  isMtaSts,
  isTlsReport,
  parseDmarc,
  parseMtaSts,
  parseTlsReport,
} from '../../protocol/policy-records/records.ts';
import { isSpf } from '../../protocol/spf/record.ts';
import type { Answer, RecordData, Resolver } from '../../world/ports/resolver.ts';
import { withAddress } from './proposal.ts';
import { zoneLine, type PublishableRecord } from './record.ts';

/** How a record that should be there is. 'different' has something else in its place. */
export type RecordState = 'published' | 'different' | 'missing' | 'unknown';

/** A record with what the name service has of it. */
export interface ComparedRecord extends PublishableRecord {
  readonly state: RecordState;
  /** What is there instead, or why it could not be seen. */
  readonly seen: string;
}

/** `better` is what to publish instead of the proposal, where what is there needs only a little more. */
type Judgement = readonly [state: RecordState, seen: string, better?: string];

const MISSING: Judgement = ['missing', ''];

/** Asks what is there and judges it; what does the same in other words counts as published. */
export async function compareRecord(
  resolver: Resolver,
  record: PublishableRecord,
  sendingAddresses: readonly string[],
): Promise<ComparedRecord> {
  const [state, seen, better] = await judge(resolver, record, sendingAddresses);
  const mended = better === undefined ? {} : { value: better, zoneLine: zoneLine({ ...record, value: better }) };
  return { ...record, ...mended, state, seen };
}

function judge(resolver: Resolver, record: PublishableRecord, sendingAddresses: readonly string[]): Promise<Judgement> {
  const { name, type, value } = record;
  switch (type) {
    case 'A':
    case 'AAAA':
    case 'PTR':
      return resolver.query(name, type).then((answer) =>
        among(
          answer,
          (one) => one,
          (one) => record.incomplete === true || (canonicalIp(one) ?? one) === value,
        ),
      );
    case 'MX':
      return resolver.query(name, 'MX').then((answer) =>
        among(
          answer,
          ({ preference, exchange }) => `${preference} ${exchange}`,
          ({ exchange }) => exchange === value.split(' ')[1],
        ),
      );
    case 'TLSA':
      return resolver.query(name, 'TLSA').then((answer) => {
        const print = ({ usage, selector, matching, data }: RecordData['TLSA']): string =>
          `${usage} ${selector} ${matching} ${data.toString('hex')}`;
        return among(answer, print, (one) => print(one) === value);
      });
    case 'TXT':
      return judgeText(resolver, record, sendingAddresses);
  }
}

function among<T>(
  answer: { readonly kind: string; readonly reason?: string; readonly records?: readonly T[] },
  print: (one: T) => string,
  fits: (one: T) => boolean,
): Judgement {
  if (answer.kind === 'failure') return ['unknown', answer.reason ?? ''];
  const records = answer.records ?? [];
  if (records.length === 0) return MISSING;
  return [records.some(fits) ? 'published' : 'different', records.map(print).join(', ')];
}

const textsOf = (answer: Answer<'TXT'>): readonly string[] =>
  answer.kind === 'records' ? answer.records.map((strings) => Buffer.concat([...strings]).toString('utf8')) : [];

/** Whether a text is a record of that purpose at all, and whether it does its work. */
const TEXTS: Readonly<Record<string, { is(text: string): boolean; holds(text: string, wanted: string): boolean }>> = {
  dmarc: { is: isDmarc, holds: (text) => parseDmarc(text).ok },
  'tls-report': { is: isTlsReport, holds: (text) => parseTlsReport(text).ok },
  'mta-sts': { is: isMtaSts, holds: (text) => parseMtaSts(text).ok },
  dkim: { is: () => true, holds: publishesSame },
  spf: { is: isSpf, holds: () => true },
  'helo-spf': { is: isSpf, holds: () => true },
};

function publishesSame(text: string, wanted: string): boolean {
  const [there, ours] = [readKeyRecord(text), readKeyRecord(wanted)];
  if (there.kind !== 'key' || ours.kind !== 'key') return false;
  return there.algorithm === ours.algorithm && isOurs(ours, there.published);
}

async function judgeText(
  resolver: Resolver,
  { purpose, name, value }: PublishableRecord,
  sendingAddresses: readonly string[],
): Promise<Judgement> {
  const answer = await resolver.query(name, 'TXT');
  if (answer.kind === 'failure') return ['unknown', answer.reason];
  const kind = TEXTS[purpose];
  const texts = textsOf(answer).filter((text) => kind?.is(text) === true);
  const [text] = texts;
  if (text === undefined) return MISSING;
  if (texts.length > 1)
    return ['different', `${texts.length} records, and only one may be there: ${texts.join(' and ')}`];
  if (purpose === 'spf') return judgeSpf(resolver, name, text, sendingAddresses);
  return [kind?.holds(text, value) === true ? 'published' : 'different', text];
}

/** An SPF record is right where every address that we send from passes, whatever its words. */
async function judgeSpf(
  resolver: Resolver,
  domain: string,
  text: string,
  addresses: readonly string[],
): Promise<Judgement> {
  const verdicts = await Promise.all(
    // Of mail by others only the record itself can be judged: with any address its mistakes come to light.
    (addresses.length === 0 ? ['192.0.2.1'] : addresses).map((address) =>
      checkSpf(resolver, { address, helo: domain, sender: `postmaster@${domain}` }),
    ),
  );
  const bad = verdicts.find(({ result }) => (addresses.length === 0 ? result === 'permerror' : result !== 'pass'));
  if (bad === undefined) return ['published', text];
  if (bad.result === 'temperror') return ['unknown', bad.problem ?? ''];
  const seen = `${text} (${bad.result}${bad.problem === undefined ? '' : `: ${bad.problem}`})`;
  if (bad.result === 'permerror' || bad.domain !== domain) return ['different', seen];
  const missing = addresses.filter((_, index) => verdicts[index]?.result !== 'pass');
  return ['different', seen, missing.reduce(withAddress, text)];
}
