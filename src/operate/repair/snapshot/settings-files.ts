import { spoolMarkerName } from '../../config/spool-marker.ts';
import type { Settings } from '../../../settings/index.ts';
import type { Wanted } from './take.ts';

/** Settings whose value is a path of a file, by the end of their key; `true` where the file is a secret. */
const FILES: Readonly<Record<string, boolean>> = {
  certificate: false,
  key: true,
  passwordFile: true,
  tokenFile: true,
  keyFile: true,
  privateKey: true,
  certificateFile: false,
  caFile: false,
  ca: false,
  knownHosts: false,
  knownHostsFile: false,
};

/** Files of the host that decide how the service works; recorded to compare, never put back. */
const HOST_FILES = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/nsswitch.conf',
  '/etc/services',
  '/etc/protocols',
  '/etc/ld.so.preload',
  '/etc/systemd/system/ims.service',
  '/etc/systemd/system/ims.socket',
];
const DEPTH_MAX = 12;

function pathsIn(value: unknown, out: Wanted[], withSecrets: boolean, depth = 0): void {
  if (depth > DEPTH_MAX || typeof value !== 'object' || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    const secret = Object.hasOwn(FILES, key) ? FILES[key] : undefined;
    if (secret !== undefined && typeof one === 'string' && one.startsWith('/'))
      out.push({ path: one, use: secret ? 'secret' : key, content: !secret || withSecrets });
    else pathsIn(one, out, withSecrets, depth + 1);
  }
}

/** What a record of the settings holds: the configuration, the files that it names, and what the host decides by. */
export function settingsFiles(
  configuration: string,
  settings: Settings | undefined,
  withSecrets: boolean,
): readonly Wanted[] {
  const named: Wanted[] = [];
  pathsIn(settings, named, withSecrets);
  return [
    { path: configuration, use: 'configuration', content: true },
    { path: spoolMarkerName(configuration), use: 'host', content: true },
    ...named,
    ...HOST_FILES.map((path) => ({ path, use: 'host', content: true })),
  ];
}
