/** The names that mail of ours greets other servers with, besides server.name. */
import { parseIp } from '../../../base/ip.ts';
import type { GatewaySettings } from '../../../settings/gateways.ts';
import type { Settings } from '../../../settings/index.ts';

/** A name with the setting that gives it. */
export interface HeloName {
  readonly name: string;
  /** The key of the setting. */
  readonly key: string;
  /** The address that receivers see with it, where the settings say it. */
  readonly addresses: readonly string[];
}

/** The public address of a gateway, where the settings say it as an address. */
export function addressOfGateway({
  host,
  publicAddress,
}: Pick<GatewaySettings, 'host' | 'publicAddress'>): string | undefined {
  return [publicAddress, host].find((text) => text !== undefined && parseIp(text) !== undefined);
}

/** Every setting `heloName`, each name with what is known of its address. */
export function heloNames({ routing, gateways }: Pick<Settings, 'routing' | 'gateways'>): readonly HeloName[] {
  const found: HeloName[] = [];
  const add = (key: string, name: string | undefined, ...addresses: readonly (string | undefined)[]): void => {
    if (name !== undefined)
      found.push({ name: name.toLowerCase(), key, addresses: addresses.filter((one) => one !== undefined) });
  };
  add('routing.heloName', routing.heloName, routing.source4, routing.source6);
  for (const [name, gateway] of Object.entries(gateways))
    add(`gateways.${name}.heloName`, gateway.heloName, addressOfGateway(gateway));
  for (const [name, { heloName }] of Object.entries(routing.proxies)) add(`routing.proxies.${name}.heloName`, heloName);
  for (const [name, { heloName, source4, source6 }] of Object.entries(routing.smartHosts))
    add(`routing.smartHosts.${name}.heloName`, heloName, source4, source6);
  for (const [i, { heloName, source4, source6 }] of routing.addressSpaces.entries())
    add(`routing.addressSpaces[${i}].heloName`, heloName, source4, source6);
  return found;
}
