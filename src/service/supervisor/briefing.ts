import type { Journal } from '../../events/journal.ts';
import { applicable, difference, loadConfigurationFile, printProblem } from '../../operate/config/index.ts';
import { readSigningKey } from '../../protocol/dkim-signing/key.ts';
import type { Settings } from '../../settings/index.ts';
import { parseResolvConf, printNameServer } from '../../transport/resolver/name-servers.ts';
import type { World } from '../../world/world.ts';
import type { Briefing } from '../messages.ts';
import type { Board } from '../parts/board.ts';
import { loadCertificate, tryPair } from './certificate.ts';
import type { Reloaded } from './answers.ts';

type BriefingWorld = Pick<World, 'disk' | 'clock'> & { readonly network: Pick<World['network'], 'tlsContext'> };

const RESOLV_CONF = '/etc/resolv.conf';
/** What names of parts that are keys begin with. */
const SIGNING_KEY = 'signing key ';

/** Reads what only this process may read: certificate, key, the host's name servers. */
export async function makeBriefing(
  settings: Settings,
  generation: number,
  world: BriefingWorld,
  journal: Journal,
  board: Board,
): Promise<Briefing> {
  let certificate: Briefing['certificate'];
  try {
    const pair = await loadCertificate(settings.tls, {
      disk: world.disk,
      dataDirectory: settings.server.data,
      serverName: settings.server.name,
      nowMs: world.clock.wall(),
    });
    tryPair(pair, settings.tls, world.network.tlsContext);
    certificate = pair;
    board.set({ part: 'certificate', state: 'running' });
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    // Told once for each cause: a reload reads it again.
    if (board.get('certificate')?.cause !== cause) journal.emit('service.certificate-missing', { cause });
    board.set({ part: 'certificate', state: 'degraded', event: 3750, cause, cure: 'ims doctor --only tls' });
  }
  judgeSigningKeys(settings, journal, board);
  return { generation, settings, certificate, nameServers: settings.names.servers ?? (await hostNameServers(world)) };
}

/** Says of each key that cannot be used that mail leaves unsigned: once for each cause, and when it is over. */
function judgeSigningKeys({ domains }: Settings, journal: Journal, board: Board): void {
  const gone = new Set(board.all().flatMap(({ part }) => (part.startsWith(SIGNING_KEY) ? [part] : [])));
  for (const [domain, { dkim }] of Object.entries(domains))
    for (const { selector, keyFile: path, key } of [dkim ?? []].flat()) {
      const part = `${SIGNING_KEY}${selector} of ${domain}`;
      const read = key === undefined ? ({ ok: false, why: 'cannot be read' } as const) : readSigningKey(key);
      if (read.ok) {
        if (gone.has(part)) journal.emit('preparation.signing-key-usable', { domain, selector });
        continue;
      }
      const cause = `mail of ${domain} leaves without this signature: ${path} ${read.why}`;
      if (board.get(part)?.cause !== cause)
        journal.emit('preparation.signing-key-unusable', { domain, selector, path, cause: read.why });
      gone.delete(part);
      board.set({ part, state: 'degraded', event: 3260, cause, cure: `mend ${path}, then ims reload` });
    }
  for (const part of gone) board.drop(part);
}

/** The name servers of /etc/resolv.conf. */
async function hostNameServers({ disk }: Pick<BriefingWorld, 'disk'>): Promise<readonly string[]> {
  const text = await disk.readFile(RESOLV_CONF).then(
    (bytes) => bytes.toString('latin1'),
    () => '',
  );
  return parseResolvConf(text).map(printNameServer);
}

/** Reads the configuration file again, for the supervisor's `reload`; with the text that it found. */
export async function rereadConfiguration(
  path: string,
  inUse: Briefing,
  world: BriefingWorld,
  journal: Journal,
  board: Board,
): Promise<{ readonly reloaded: Reread; readonly text: string }> {
  const { loaded, text = '' } = await loadConfigurationFile(world.disk, path);
  if (!loaded.ok) {
    board.set({
      part: 'configuration',
      state: 'degraded',
      event: 4750,
      cause: `${path} was not applied, the one in use stays: ${loaded.problems.map(printProblem).join('; ')}`,
      cure: `ims config check --config ${path} (mend what it names, then ims reload)`,
    });
    return { reloaded: loaded, text };
  }
  if (loaded.warnings.length > 0)
    journal.emit('service.configuration-doubtful', { path, problems: loaded.warnings.map(printProblem).join('; ') });
  // A worker that is started later must not begin with another directory or another number than its fellows.
  const settings = applicable(inUse.settings, loaded.settings);
  const generation = inUse.generation + 1;
  // While the storage is away nothing may be made there, and no certificate is needed.
  const briefing =
    inUse.place === undefined
      ? { ...(await makeBriefing(settings, generation, world, journal, board)), ...layerOf(inUse) }
      : { ...inUse, generation, settings };
  const changes = difference(inUse.settings, loaded.settings);
  return { reloaded: { ok: true, briefing, changes, listeners: loaded.settings.listeners }, text };
}

/** Reads certificate and key again, and nothing else, for the supervisor's `reload`. */
export async function rereadCertificate(
  inUse: Briefing,
  world: BriefingWorld,
  journal: Journal,
  board: Board,
  applied: (briefing: Briefing) => void,
): Promise<Reloaded> {
  const { settings, generation } = inUse;
  const made = await makeBriefing(settings, generation + 1, world, journal, board);
  const briefing = { ...made, nameServers: inUse.nameServers, ...layerOf(inUse) };
  const change = { key: 'tls.certificate', from: 'as it was', to: 'as it is on disk', restart: false };
  return { ok: true, briefing, changes: [change], listeners: settings.listeners, applied: () => applied(briefing) };
}

/** What stands before the sockets stays until the end of this process. */
export const layerOf = ({ layer }: { readonly layer?: string | undefined }): Pick<Briefing, 'layer'> =>
  layer === undefined ? {} : { layer };

type Reread = Exclude<Reloaded, { readonly ok: true }> | Omit<Extract<Reloaded, { readonly ok: true }>, 'applied'>;
