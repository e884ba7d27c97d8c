import { parseIp } from '../../../base/ip.ts';
import { domainKey } from '../../../mail/mailbox.ts';
import type { Settings } from '../../../settings/index.ts';
import type { Clock } from '../../../world/ports/clock.ts';
import type { Answer, RecordType, Resolver } from '../../../world/ports/resolver.ts';
import { askAgainMs, sampleMax } from '../limits.ts';
import { isReservedName } from './usage.ts';

const parentOf = (name: string): string => name.slice(name.indexOf('.') + 1);

/**
 * Whether a name should be looked up at all: every public one, and of the names for private use (RFC 6761) those whose domain the name
 * service here knows.
 */
export async function isPublished(resolver: Resolver, name: string): Promise<boolean> {
  if (parseIp(name) !== undefined || !name.includes('.')) return false;
  if (!isReservedName(name)) return true;
  const asked = [name, parentOf(name)].filter((one) => one.includes('.'));
  const answers = await Promise.all(asked.map((one) => resolver.query(one, 'SOA')));
  return answers.some((answer) => answer.kind === 'records' || answer.kind === 'no-data' || zoneFails(answer));
}

/** Our domains that are in the name service, at most so many as one run looks at. */
export async function publishedDomains(
  resolver: Resolver,
  settings: Pick<Settings, 'domains'>,
): Promise<readonly string[]> {
  const some = Object.keys(settings.domains).map(domainKey).slice(0, sampleMax);
  const known = await Promise.all(some.map((domain) => isPublished(resolver, domain)));
  return some.filter((_, index) => known[index]);
}

/**
 * Whether the servers of a zone fail, as its asker sees it: not that nobody answered us, and not that its signatures are wrong, which is
 * a fault of its own.
 */
export const zoneFails = (answer: Answer<RecordType>): boolean =>
  answer.kind === 'failure' && /^SERVFAIL/.test(answer.reason) && !/DNSSEC validation/.test(answer.reason);

/** Asks, and once more after a while where the zone seems to fail: one bad moment of it is no fault. */
export async function askPatiently<T extends RecordType>(
  { resolver, clock }: { readonly resolver: Resolver; readonly clock: Pick<Clock, 'now' | 'after'> },
  name: string,
  type: T,
): Promise<Answer<T>> {
  const began = clock.now();
  const first = await resolver.query(name, type);
  // Where answers are slow, the look-up has asked again in that time already.
  if (!zoneFails(first) || clock.now() - began >= 2 * askAgainMs) return first;
  await new Promise<void>((resolve) => clock.after(askAgainMs, resolve));
  return resolver.query(name, type);
}

/** An answer in words. */
export function answerInWords(answer: Answer<RecordType>): string {
  if (answer.kind === 'failure') return answer.reason;
  if (answer.kind === 'no-such-name') return 'no such name';
  if (answer.kind === 'no-data') return 'none';
  return answer.records
    .map((one) => {
      if (typeof one === 'string') return one;
      if ('exchange' in one) return `${one.preference} ${one.exchange === '' ? '.' : one.exchange}`;
      if ('matching' in one) return `${one.usage} ${one.selector} ${one.matching} ${one.data.toString('hex')}`;
      return 'primary' in one ? one.primary : Buffer.concat([...one]).toString('utf8');
    })
    .join(', ');
}

/** The records of an answer; none where there is another. */
export const recordsOf = <T extends RecordType>(answer: Answer<T>) => (answer.kind === 'records' ? answer.records : []);

/** The texts of TXT records that begin with a version, their strings joined. */
export function textsOf(answer: Answer<'TXT'>, version: RegExp): readonly string[] {
  return recordsOf(answer)
    .map((strings) => Buffer.concat([...strings]).toString('utf8'))
    .filter((text) => version.test(text));
}
