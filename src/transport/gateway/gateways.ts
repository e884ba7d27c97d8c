import { assert } from '../../base/assert.ts';
import type { GatewaySettings } from '../../settings/gateways.ts';
import { Gateway, type GatewayParts } from './gateway.ts';
import type { Gateways } from './port.ts';
import { gatewayFault } from './trouble.ts';

/** What the gateways of a worker are made of. */
export interface GatewaysParts extends GatewayParts {
  /** This worker, and how many there are: each gateway's ports belong to one of them. */
  readonly worker: number;
  readonly workers: number;
}

/** Makes the gateways of a worker. They begin with `use`. */
export function createGateways(parts: GatewaysParts): Gateways {
  const gateways = new Map<string, Gateway>();
  let stopping = false;

  const use: Gateways['use'] = (settings) => {
    assert(!stopping, 'a service that runs');
    for (const [name, gateway] of gateways) {
      if (isSame(settings[name], gateway.settings)) continue;
      gateway.close();
      gateways.delete(name);
      parts.gone?.(name);
    }
    for (const [index, name] of Object.keys(settings).sort().entries()) {
      const one = settings[name];
      if (one === undefined || gateways.has(name)) continue;
      gateways.set(name, new Gateway(name, one, parts, index % parts.workers === parts.worker));
    }
  };

  return {
    use,
    async dial(way, request) {
      const gateway = gateways.get(way.name);
      if (gateway !== undefined) return gateway.dial(request);
      const why = 'it is not in the configuration any more';
      return { kind: 'gateway-failed', fault: gatewayFault('transport.gateway-unreachable', way.name, way.name, why) };
    },
    states: () => [...gateways.values()].map((gateway) => gateway.state()),
    async stopListening() {
      stopping = true;
      await Promise.all([...gateways.values()].map((gateway) => gateway.stopListening()));
    },
    close() {
      for (const gateway of gateways.values()) gateway.close();
    },
  };
}

function isSame(one: GatewaySettings | undefined, other: GatewaySettings): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
