import packet from 'dns-packet';
import type { SimInternet } from '../../src/world/sim/network.ts';
import { Zone, type ZoneFault } from '../../src/world/sim/zone.ts';
import { answerQuestion } from '../support/dns-answer.ts';

/** The name server of a simulation. */
export interface SimNameServer {
  /** Makes every answer a fault, or none. */
  failing: ZoneFault | undefined;
}

/** Answers questions at an address from a zone, by UDP. */
export async function startNameServer(
  internet: SimInternet,
  address: string,
  zoneText: string,
): Promise<SimNameServer> {
  const zone = new Zone(zoneText);
  const server: SimNameServer = { failing: undefined };
  internet.addHost(address);
  const socket = await internet.datagramsAt(address, 53, (octets, from) => {
    const options = { failing: server.failing, udpMax: undefined, authenticated: false };
    const answer = answerQuestion(packet.decode(octets), zone, options);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  return server;
}
