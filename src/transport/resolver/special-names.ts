import type { Answer, RecordType } from '../../world/ports/resolver.ts';

type SpecialAnswer =
  | Extract<Answer<RecordType>, { kind: 'no-such-name' | 'no-data' }>
  | { readonly kind: 'loopback'; readonly address: string };

const FOREVER_S = 86_400;

/** Names that are never asked about: localhost is here, .invalid is nowhere (RFC 6761 §6.3, §6.4), .onion is not of the DNS (RFC 7686 §2). */
export function specialAnswer(name: string, type: RecordType): SpecialAnswer | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (last === 'localhost') {
    if (type === 'A') return { kind: 'loopback', address: '127.0.0.1' };
    if (type === 'AAAA') return { kind: 'loopback', address: '::1' };
    return { kind: 'no-data', canonicalName: name, authenticated: false, ttlSeconds: FOREVER_S };
  }
  if (last === 'invalid' || last === 'onion')
    return { kind: 'no-such-name', authenticated: false, ttlSeconds: FOREVER_S };
  return undefined;
}
