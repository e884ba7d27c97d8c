import { dirname, isAbsolute, join, resolve } from 'node:path';
import { errnoOf } from '../../events/fault.ts';
import { readSpoolMarker, spoolMarkerName } from '../config/spool-marker.ts';
import { controlSocketPath } from '../control/socket-path.ts';
import type { CliIo } from './io.ts';

/** Where a configuration is looked for when the command line names none. */
const USUAL_FILES = ['ims.yaml', 'data/ims.yaml', '/etc/ims/ims.yaml'];
const VARIABLE = 'IMS_CONFIG';

/**
 * The configuration file that a command means: --config, else $IMS_CONFIG, else the first usual one that exists;
 * undefined where there is none.
 */
export async function findConfigurationFile(
  io: Pick<CliIo, 'environment' | 'world'>,
  option: string | undefined,
): Promise<string | undefined> {
  const named = option ?? io.environment[VARIABLE];
  if (named !== undefined && named !== '') return resolve(named);
  for (const file of USUAL_FILES) if ((await io.world.disk.entry(resolve(file))) !== undefined) return resolve(file);
  return undefined;
}

/** The words for somebody whose configuration was not found. */
export function noConfigurationText(): string {
  return `No configuration was found: none was named by --config FILE or $${VARIABLE}, and there is none at ${USUAL_FILES.join(', ')}.`;
}

const unquote = (text: string): string => (/^'.*'$|^".*"$/.test(text) ? text.slice(1, -1) : text);

/**
 * Finds `data` and `run` of the section `server` without a YAML parser, which would double the time a command takes;
 * undefined where they are not written in the usual way: then the parser must look.
 */
export function scanServerSection(text: string): { readonly data?: string; readonly run?: string } | undefined {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => /^server:\s*(#.*)?$/.test(line));
  if (start === -1) return undefined;
  const found: { data?: string; run?: string } = {};
  for (const line of lines.slice(start + 1)) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    if (!line.startsWith(' ')) break;
    const match = /^ +(data|run): *('[^']*'|"[^"\\]*"|[^'"&*!|>{[\s#][^#]*?) *(?:#.*)?$/.exec(line);
    if (match !== null) found[match[1] as 'data' | 'run'] = unquote((match[2] ?? '').trim());
    else if (/^ +(data|run):/.test(line)) return undefined;
  }
  return found;
}

async function parseServerSection(text: string): Promise<{ readonly data?: string; readonly run?: string }> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const at = (key: string): string | undefined => {
    const value: unknown = document.errors.length > 0 ? undefined : document.getIn(['server', key]);
    return typeof value === 'string' ? value : undefined;
  };
  const [data, run] = [at('data'), at('run')];
  return { ...(data === undefined ? {} : { data }), ...(run === undefined ? {} : { run }) };
}

/** Where the control socket should be, or why that cannot be said. */
export type SocketPlace =
  | { readonly ok: true; readonly path: string; readonly configuration?: string }
  | { readonly ok: false; readonly why: string };

/** Finds the control socket: --socket, else below the run directory that the configuration names. */
export async function findSocket(
  io: Pick<CliIo, 'environment' | 'world'>,
  options: { readonly socket?: string; readonly config?: string },
): Promise<SocketPlace> {
  if (options.socket !== undefined) return { ok: true, path: resolve(options.socket) };
  const configuration = await findConfigurationFile(io, options.config);
  if (configuration === undefined)
    return {
      ok: false,
      why: `${noConfigurationText()} \`--socket PATH\` names the control socket of a running service.`,
    };
  let text: string;
  try {
    text = (await io.world.disk.readFile(configuration)).toString('utf8');
  } catch (error) {
    // A service may run all the same, with the last good configuration: the sign beside the file knows where.
    const sign = await readSpoolMarker(io.world.disk, spoolMarkerName(configuration)).catch(() => undefined);
    if (sign === undefined) return { ok: false, why: `${configuration} cannot be read (${errnoOf(error)})` };
    const place = controlSocketPath(join(sign.data, 'run'));
    return place.ok ? { ...place, configuration } : place;
  }
  const section = scanServerSection(text) ?? (await parseServerSection(text));
  const from = (path: string): string => (isAbsolute(path) ? path : resolve(dirname(configuration), path));
  const place = controlSocketPath(
    section.run === undefined ? join(from(section.data ?? './data'), 'run') : from(section.run),
  );
  return place.ok ? { ...place, configuration } : place;
}
