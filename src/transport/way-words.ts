import type { Way } from './port.ts';

/** A proxy or gateway as texts name it. */
export function wayInWords({ kind, name }: Exclude<Way, 'direct'>): string {
  return `${kind === 'ssh-gateway' ? 'the gateway' : 'the proxy'} ${name}`;
}
