import type { Settings } from '../../settings/index.ts';
import type { Host } from '../../world/ports/host.ts';
import type { SnapshotFacts } from './snapshot/take.ts';

/** What snapshots say about versions, the host and the listeners. */
export async function snapshotFacts(
  host: Host,
  settings: Settings | undefined,
  version: string,
): Promise<Omit<SnapshotFacts, 'by' | 'why'>> {
  const text = async (path: string): Promise<string> => {
    const read = await host.text(path);
    return read.ok ? read.value.trim().slice(0, 4096) : '';
  };
  const addresses = host.addresses();
  return {
    versions: { ims: version, system: await text('/proc/sys/kernel/osrelease') },
    host: {
      name: await text('/proc/sys/kernel/hostname'),
      addresses: addresses.ok
        ? addresses.value.map((one) => `${one.address} (${one.interface})`).join(', ')
        : addresses.errno,
      nameServers: (await text('/etc/resolv.conf'))
        .split('\n')
        .filter((line) => line.trim().startsWith('nameserver'))
        .join(', '),
    },
    listeners: Object.entries(settings?.listeners ?? {}).map(
      ([name, one]) => `${name}: ${one.profile} at ${[one.address].flat().join(', ')} port ${one.port}, tls ${one.tls}`,
    ),
  };
}
