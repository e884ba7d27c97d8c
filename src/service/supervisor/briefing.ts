import type { Journal } from '../../events/journal.ts';
import { applicable, difference, loadConfigurationFile } from '../../operate/config/index.ts';
import type { Settings } from '../../settings/index.ts';
import { parseResolvConf, printNameServer } from '../../transport/resolver/name-servers.ts';
import type { World } from '../../world/world.ts';
import type { Briefing } from '../messages.ts';
import { loadCertificate } from './certificate.ts';
import type { Reloaded } from './supervisor.ts';

type BriefingWorld = Pick<World, 'disk' | 'clock'>;

const RESOLV_CONF = '/etc/resolv.conf';

/** Reads what only this process may read: certificate, key, the host's name servers. */
export async function makeBriefing(
  settings: Settings,
  generation: number,
  world: BriefingWorld,
  journal: Journal,
): Promise<Briefing> {
  let certificate: Briefing['certificate'];
  try {
    certificate = await loadCertificate(settings.tls, {
      disk: world.disk,
      dataDirectory: settings.server.data,
      serverName: settings.server.name,
      nowMs: world.clock.wall(),
    });
  } catch (error) {
    journal.emit('service.certificate-missing', { cause: error instanceof Error ? error.message : String(error) });
  }
  return { generation, settings, certificate, nameServers: settings.names.servers ?? (await hostNameServers(world)) };
}

/** The name servers of /etc/resolv.conf. */
async function hostNameServers({ disk }: BriefingWorld): Promise<readonly string[]> {
  const text = await disk.readFile(RESOLV_CONF).then(
    (bytes) => bytes.toString('latin1'),
    () => '',
  );
  return parseResolvConf(text).map(printNameServer);
}

/** Reads the configuration file again, as the supervisor's `reload`. */
export async function rereadConfiguration(
  path: string,
  inUse: Briefing,
  world: BriefingWorld,
  journal: Journal,
): Promise<Reloaded> {
  const { loaded } = await loadConfigurationFile(world.disk, path);
  if (!loaded.ok) return loaded;
  // A worker that is started later must not begin with another directory or another number than its fellows.
  const settings = applicable(inUse.settings, loaded.settings);
  return {
    ok: true,
    briefing: await makeBriefing(settings, inUse.generation + 1, world, journal),
    changes: difference(inUse.settings, loaded.settings),
  };
}
