import { Fault } from '../../events/fault.ts';
import type { ShellFailure } from '../../world/ports/secure-shell.ts';
import { GATEWAY_WORDS_MAX } from './limits.ts';

/** How each trouble of a gateway reads after its name, by event. */
const WORDS = {
  'transport.gateway-unreachable': 'cannot be reached',
  'transport.gateway-host-key': 'is not trusted',
  'transport.gateway-key-refused': 'did not accept our key',
  'transport.gateway-forwarding-refused': 'does not forward',
  'transport.gateway-lost': 'was lost',
  'transport.gateway-key-unusable': 'cannot be used with our key',
  'transport.gateway-wrong-protocol': 'does not speak SSH as we do',
} as const;

/** Events about a gateway as a whole. */
export type GatewayTrouble = keyof typeof WORDS;

/** A fault of a gateway: it says nothing about the host that was wanted. */
export type GatewayFault = Fault<GatewayTrouble>;

/** Makes one. */
export function gatewayFault(event: GatewayTrouble, gateway: string, host: string, why: string): GatewayFault {
  return new Fault(event, { gateway, host, why: why.slice(0, GATEWAY_WORDS_MAX) });
}

/** Whether an error of a dial is the fault of a gateway. */
export function isGatewayFault(error: unknown): error is GatewayFault {
  return error instanceof Fault && Object.hasOwn(WORDS, error.event);
}

/** The fault for a reply, without the address of the gateway. */
export function gatewayFaultInWords({ event, data }: GatewayFault): string {
  return `the gateway ${data.gateway} ${WORDS[event]}: ${data.why}`;
}

/** A failed log-in as an event and its evidence. */
export function troubleOf(
  failure: ShellFailure,
  pinned: readonly string[],
): { readonly event: GatewayTrouble; readonly why: string } {
  switch (failure.kind) {
    case 'unreachable':
      return { event: 'transport.gateway-unreachable', why: failure.why };
    case 'wrong-protocol':
      return { event: 'transport.gateway-wrong-protocol', why: failure.why };
    case 'key-refused':
      return { event: 'transport.gateway-key-refused', why: failure.why };
    case 'key-unusable':
      return { event: 'transport.gateway-key-unusable', why: failure.why };
    case 'host-key': {
      const shown = `it shows ${failure.shown} (${failure.type})`;
      const why =
        pinned.length === 0 ? `${shown}, and no hostKey is set` : `${shown}, and hostKey is ${pinned.join(', ')}`;
      return { event: 'transport.gateway-host-key', why };
    }
  }
}
