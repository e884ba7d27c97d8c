/** What a check of a message's sender found; Authentication-Results fields and timelines show it. */
export type SenderCheck =
  | {
      readonly method: 'spf';
      /** Which name was checked (RFC 7208 §2.3, §2.4). */
      readonly identity: 'mailfrom' | 'helo';
      /** The name itself: an address for 'mailfrom', a domain for 'helo'. */
      readonly value: string;
      readonly result: 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror';
      /** The term that decided, or what stood in the way; '' where there is nothing to say. */
      readonly why: string;
    }
  | {
      readonly method: 'dnsbl';
      /** The list that names the client. */
      readonly zone: string;
      /** Its answer, such as 127.0.0.2. */
      readonly code: string;
      readonly why: string;
    };

/** The client that a trusted host brings mail of, as it said so (XFORWARD); it changes no decision. */
export interface ForwardedFrom {
  /** '' for mail that began on the host itself. */
  readonly address?: string;
  readonly name?: string;
  readonly port?: number;
  readonly protocol?: string;
  readonly helo?: string;
  /** The id that the message has there. */
  readonly ident?: string;
  readonly source?: 'LOCAL' | 'REMOTE';
}

/** One line for people: 'SPF fail for a@far.test (-all)'. */
export function printSenderCheck(check: SenderCheck): string {
  const why = check.why === '' ? '' : ` (${check.why})`;
  if (check.method === 'dnsbl') return `on the block list ${check.zone}: ${check.code}${why}`;
  return `SPF ${check.result} for ${check.identity === 'helo' ? 'HELO ' : ''}${check.value}${why}`;
}

/** One line for people: 'mx.far.test [198.51.100.7]:4711 by ESMTP as far.test, there 4F2A'. */
export function printForwardedFrom(from: ForwardedFrom): string {
  const there = from.ident === undefined ? '' : `, there ${from.ident}`;
  if (from.address === '') return `that host itself${there}`;
  const address =
    from.address === undefined ? '' : `[${from.address}]${from.port === undefined ? '' : `:${from.port}`}`;
  const host =
    [from.name, address].filter((text) => text !== undefined && text !== '').join(' ') || 'an unknown client';
  const protocol = from.protocol === undefined ? '' : ` by ${from.protocol}`;
  const helo = from.helo === undefined ? '' : ` as ${from.helo}`;
  return `${host}${protocol}${helo}${there}${from.source === undefined ? '' : `, ${from.source.toLowerCase()} there`}`;
}
