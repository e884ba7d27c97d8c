import { errnoOf } from '../../../events/fault.ts';
import type { World } from '../../../world/world.ts';
import type { Network } from '../../../world/ports/network.ts';
import { bannerMs, dialMs } from '../limits.ts';
import { Dialogue } from './dialogue.ts';

/** Connects and reads the first line; where there is none, says why in words. */
export async function readBanner(
  world: { readonly network: Pick<Network, 'dial'>; readonly clock: World['clock'] },
  where: { readonly address: string; readonly port: number; readonly tls: boolean; readonly serverName: string },
): Promise<string> {
  const { address, port, serverName } = where;
  try {
    const stream = await world.network.dial({ address, port, timeoutMs: dialMs });
    try {
      if (where.tls) await stream.startTlsClient({ serverName, timeoutMs: bannerMs });
      const reply = await new Dialogue(stream, world.clock, bannerMs).reply();
      return typeof reply === 'string' ? reply : (reply.lines[0] ?? '');
    } finally {
      stream.destroy();
    }
  } catch (error) {
    return `no connection: ${errnoOf(error) || (error instanceof Error ? error.message : String(error))}`;
  }
}
