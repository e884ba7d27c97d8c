/** Layers that a preload puts between this service and its sockets: found before anything is bound, and left where that is possible. */
import type { Journal } from '../events/journal.ts';
import { processPreload, type Preloaded, systemPreload, variablesOf } from '../operate/doctor/facts/preload.ts';
import type { NetworkSettings } from '../settings/network.ts';
import type { Host } from '../world/ports/host.ts';
import type { Board } from './parts/board.ts';

/** One layer with its file. */
export interface Layer {
  readonly layer: string;
  readonly file: string;
}

/** What stands between this process and its sockets, and what stood there before it was begun again. */
export interface Layers {
  readonly avoided: readonly Layer[];
  readonly kept: readonly (Layer & { readonly cause: string })[];
  /** The environment to begin again with, in order to be without those of LD_PRELOAD. */
  readonly again: Readonly<Record<string, string | undefined>> | undefined;
}

/** The variable that says to the process that is begun again what it was freed of. */
export const AVOIDED = 'IMS_AVOIDED_LAYERS';
const LD_PRELOAD = 'LD_PRELOAD';
const CURE = 'ims doctor --only host.no-interposer';

/** Looks at the preloads of this process and of the host. `mayBegin`: this process has not failed to begin again. */
export async function findLayers(host: Host, { interposer }: NetworkSettings, mayBegin = true): Promise<Layers> {
  const { environment } = host;
  const own = ((await processPreload(host, 'self')) ?? []).filter(isLayer);
  const system = (await systemPreload(host)).filter(isLayer);
  const avoided = readAvoided(environment[AVOIDED]);
  // Only what is known as a client of proxies: others take over sockets too (authbind), and the service may need them.
  const avoidable = own.filter(({ library }) => variablesOf(library) !== undefined);
  const leave = mayBegin && interposer === 'avoid' && avoided.length === 0 ? avoidable : [];
  return {
    avoided,
    kept: [
      ...own.filter((one) => !leave.includes(one)).map((one) => ({ ...layerOf(one), cause: whyKept(one, interposer) })),
      ...system.map((one) => ({
        ...layerOf(one),
        cause: '/etc/ld.so.preload loads it into every program, which no program can avoid',
      })),
    ],
    again: leave.length === 0 ? undefined : without(environment, leave),
  };
}

/** The layers that stay, in words; undefined where there are none. */
export function wordsOf({ kept }: Pick<Layers, 'kept'>): string | undefined {
  return kept.length === 0 ? undefined : kept.map(({ layer, file }) => `${layer} (${file})`).join(', ');
}

/** Tells of what was found. */
export function tellLayers({ avoided, kept }: Layers, journal: Journal, board: Board): void {
  for (const { layer, file } of avoided) journal.emit('service.layer-avoided', { layer, file });
  for (const { layer, file, cause } of kept) journal.emit('service.layer-kept', { layer, file, cause });
  const list = (layers: readonly Layer[]): string => layers.map(({ layer, file }) => `${layer} (${file})`).join(', ');
  if (kept.length > 0) {
    const cause = `${list(kept)} stands between the service and its sockets`;
    board.set({ part: 'sockets', state: 'degraded', event: 3793, cause, cure: CURE });
  } else if (avoided.length > 0)
    board.set({ part: 'sockets', state: 'running', cause: `started again without ${list(avoided)} of LD_PRELOAD` });
}

function whyKept({ library }: Preloaded, interposer: NetworkSettings['interposer']): string {
  if (interposer === 'allow') return 'network.interposer allows it';
  return variablesOf(library) === undefined
    ? 'LD_PRELOAD names it, and it is no known client of a proxy'
    : 'LD_PRELOAD names it, and the service could not be started without it';
}

/** A library that is not there is not loaded. */
const isLayer = ({ layer, path }: Preloaded): boolean => layer !== undefined && path !== undefined;

const layerOf = ({ library, path = library, layer }: Preloaded): Layer => ({
  layer: layer?.name ?? library,
  file: path,
});

function without(environment: Layers['again'] & object, layers: readonly Preloaded[]): Layers['again'] {
  const libraries = new Set(layers.map(({ library }) => library));
  const variables = layers.flatMap(({ library }) => variablesOf(library) ?? []);
  const rest = (environment[LD_PRELOAD] ?? '').split(/[\s:]+/).filter((word) => word !== '' && !libraries.has(word));
  const kept = Object.entries(environment).filter(
    ([name]) => name !== LD_PRELOAD && !variables.some((prefix) => name.startsWith(prefix)),
  );
  return {
    ...Object.fromEntries(kept),
    ...(rest.length === 0 ? {} : { [LD_PRELOAD]: rest.join(':') }),
    [AVOIDED]: JSON.stringify(layers.map(layerOf)),
  };
}

function readAvoided(text: string | undefined): readonly Layer[] {
  if (text === undefined) return [];
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read.filter(isAvoided).slice(0, 10) : [];
  } catch {
    return []; // somebody else's variable of that name
  }
}

function isAvoided(one: unknown): one is Layer {
  return (
    typeof one === 'object' &&
    one !== null &&
    'layer' in one &&
    'file' in one &&
    typeof one.layer === 'string' &&
    typeof one.file === 'string'
  );
}
