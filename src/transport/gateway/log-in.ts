import type { GatewaySettings } from '../../settings/gateways.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { SecureShell, ShellSession } from '../../world/ports/secure-shell.ts';
import { addressesOf } from '../proxy-address.ts';
import { HANDSHAKE_MS } from './limits.ts';
import { troubleOf } from './trouble.ts';

/** A new session at a gateway, at the first of its addresses that answers, or why there is none. */
export async function logIn(
  settings: GatewaySettings,
  { shell, resolver }: { readonly shell: SecureShell; readonly resolver: Resolver },
): Promise<ShellSession | ReturnType<typeof troubleOf>> {
  const { host, port, user, key, hostKey, connectTimeout, keepAlive, keepAliveMax } = settings;
  if (key === undefined)
    return { event: 'transport.gateway-key-unusable', why: `there is no key that we can read at ${settings.keyFile}` };
  const found = await addressesOf(host, resolver);
  if ('why' in found) return { event: 'transport.gateway-unreachable', why: found.why };
  const hostKeys = hostKey === undefined ? [] : typeof hostKey === 'string' ? [hostKey] : hostKey;
  let trouble: ReturnType<typeof troubleOf> = { event: 'transport.gateway-unreachable', why: 'it has no address' };
  for (const address of found.addresses) {
    const outcome = await shell.connect({
      address,
      port,
      user,
      privateKey: key,
      hostKeys,
      connectTimeoutMs: connectTimeout,
      handshakeTimeoutMs: HANDSHAKE_MS,
      keepAliveMs: keepAlive,
      keepAliveMax,
    });
    if (outcome.kind === 'connected') return outcome.session;
    trouble = troubleOf(outcome, hostKeys);
    if (outcome.kind !== 'unreachable') break;
  }
  return trouble;
}
