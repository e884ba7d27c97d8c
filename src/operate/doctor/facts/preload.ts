/** Layers between programs and the sockets of the system: what is loaded before a program, and what is known of it. */
import type { Host, HostRead } from '../../../world/ports/host.ts';
import { definedIn, looksLikeElf } from './elf-symbols.ts';

const PRELOAD_FILE = '/etc/ld.so.preload';
const DIRECTORIES = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'];
const MULTIARCH = /^(?:x86_64|aarch64|arm|i386|riscv64|powerpc64le|s390x)-linux-gnu/;

/** Layers by the name of their library, with what they do and the file that tells them where to. */
const KNOWN: readonly {
  readonly library: RegExp;
  readonly name: string;
  readonly diverts: string;
  readonly files: readonly string[];
  /** How the names of the variables begin that it obeys. */
  readonly variables: readonly string[];
}[] = [
  {
    library: /proxychains/i,
    name: 'proxychains',
    diverts: 'diverts every connect() and look-up to its proxies',
    files: ['/etc/proxychains4.conf', '/etc/proxychains.conf'],
    variables: ['PROXYCHAINS_'],
  },
  {
    library: /libtsocks/i,
    name: 'tsocks',
    diverts: 'diverts every connect() and look-up to its SOCKS server',
    files: ['/etc/tsocks.conf'],
    variables: ['TSOCKS_'],
  },
  {
    library: /torsocks/i,
    name: 'torsocks',
    diverts: 'diverts every connect() and look-up to Tor, and refuses UDP and listening',
    files: ['/etc/tor/torsocks.conf'],
    variables: ['TORSOCKS_'],
  },
  {
    library: /libd?socks[d.]|libdante|libdsocks|socksify/i,
    name: 'the Dante client (socksify)',
    diverts: 'diverts bind(), connect() and look-ups to its SOCKS server',
    files: ['/etc/dante.conf', '/etc/socks.conf'],
    variables: ['SOCKS_', 'SOCKS4_', 'SOCKS5_', 'HTTP_CONNECT_PROXY'],
  },
  {
    library: /graftcp/i,
    name: 'graftcp',
    diverts: 'diverts every connect() to its proxy',
    files: [],
    variables: ['GRAFTCP_'],
  },
  {
    library: /wsp|winsock|proxyclient|redsocks|hev-socks|libsocks/i,
    name: 'a proxy client',
    diverts: 'diverts connects, and maybe binds, to its proxy',
    files: [],
    variables: [],
  },
];
const CLOCKS = /libfaketime|datefudge/i;

/** A library that is loaded before a program, as far as it is known. */
export interface Preloaded {
  readonly library: string;
  /** Where it is on this host; undefined where the loader does not find it. */
  readonly path: string | undefined;
  readonly layer?: { readonly name: string; readonly diverts: string; readonly files: readonly string[] };
  /** It changes what time it is. */
  readonly clock: boolean;
  /** Something is there that the loader ignores: what it is instead of a library for this system. */
  readonly junk?: string;
}

/** What a library's name tells. */
export function layerOf(library: string): Preloaded['layer'] {
  const base = library.slice(library.lastIndexOf('/') + 1);
  const found = KNOWN.find((one) => one.library.test(base));
  return found === undefined ? undefined : { name: found.name, diverts: found.diverts, files: found.files };
}

/** How the names of a known layer's variables begin; undefined where the library is not known as a layer. */
export function variablesOf(library: string): readonly string[] | undefined {
  const base = library.slice(library.lastIndexOf('/') + 1);
  return KNOWN.find((one) => one.library.test(base))?.variables;
}

/** Whether a library makes writing to stable storage do nothing. */
export const swallowsSync = (library: string): boolean => /eatmydata|nosync|libfsync/i.test(library);

/** Whether a library changes what time it is. */
export const changesClock = (library: string): boolean => CLOCKS.test(library);

/** Finds a library as the loader does: a name without a slash is looked for in its directories. */
async function find(host: Host, library: string): Promise<string | undefined> {
  // $LIB and $PLATFORM are the loader's own words for one of its directories.
  if (library.includes('$')) return library;
  if (library.includes('/')) {
    const file = await host.file(library);
    return file.ok || file.errno !== 'ENOENT' ? library : undefined;
  }
  const names = await host.names('/usr/lib');
  const inside = names.ok ? names.value.filter((name) => MULTIARCH.test(name)).map((name) => `/usr/lib/${name}`) : [];
  for (const directory of [...DIRECTORIES, ...inside, ...inside.map((one) => `${one}/libfakeroot`)])
    if ((await host.file(`${directory}/${library}`)).ok) return `${directory}/${library}`;
  return undefined;
}

async function known(host: Host, text: string): Promise<readonly Preloaded[]> {
  const libraries = text
    .split('\n')
    .map((line) => line.replace(/#.*$/, ''))
    .join(' ')
    .split(/[\s:]+/)
    .filter((word) => word !== '');
  return Promise.all(
    libraries.map(async (library) => {
      const path = await find(host, library);
      const text = path === undefined || path.includes('$') ? undefined : await host.text(path);
      const junk = text === undefined ? undefined : await unfit(host, text);
      if (junk !== undefined) return { library, path, clock: false, junk };
      const layer =
        layerOf(library) ??
        (path !== undefined && text?.ok === true ? await layerByNames(host, path, text.value) : undefined);
      return { library, path, clock: changesClock(library), ...(layer === undefined ? {} : { layer }) };
    }),
  );
}

/** A program that every host has, of the kind that the loader takes libraries for. */
const USUAL_PROGRAM = '/bin/sh';
/** Where a file says of how many bits its words are, and for which processor (ELF). */
const kindOf = (elf: string): string => `${elf[4]}${elf.slice(18, 20)}`;

/** What is there instead of a library that the loader would take. */
async function unfit(host: Host, text: HostRead<string>): Promise<string | undefined> {
  if (!text.ok) return text.errno === 'EISDIR' ? 'a directory' : undefined;
  if (!looksLikeElf(text.value)) return 'no library';
  const program = await host.text(USUAL_PROGRAM);
  if (!program.ok || !looksLikeElf(program.value) || kindOf(program.value) === kindOf(text.value)) return undefined;
  return 'a library for another kind of processor';
}

const TAKEN_OVER = ['connect', 'bind', 'getaddrinfo', 'gethostbyname'];

/** What a library of another name takes over: one that looks the next function of a name up, and names those of sockets. */
async function layerByNames(host: Host, path: string, text: string): Promise<Preloaded['layer']> {
  if (!text.includes('\0dlsym\0')) return undefined;
  const octets = await host.octets?.(path);
  const defined = octets?.ok === true ? definedIn(octets.value, TAKEN_OVER) : undefined;
  // One that only calls them, such as a monitoring agent, takes nothing over.
  const taken = defined ?? TAKEN_OVER.filter((name) => text.includes(`\0${name}\0`));
  if (taken.length === 0) return undefined;
  return {
    name: 'a layer of unknown kind',
    diverts: `takes over ${taken.map((name) => `${name}()`).join(', ')}`,
    files: [],
  };
}

/** What /etc/ld.so.preload puts before every program. */
export async function systemPreload(host: Host): Promise<readonly Preloaded[]> {
  const text = await host.text(PRELOAD_FILE);
  return text.ok ? known(host, text.value) : [];
}

/** What LD_PRELOAD of a process says; undefined where it cannot be seen. */
export async function processPreload(host: Host, pid: number | 'self'): Promise<readonly Preloaded[] | undefined> {
  const text = pid === 'self' ? host.environment['LD_PRELOAD'] : await environmentValue(host, pid, 'LD_PRELOAD');
  return text === undefined ? undefined : known(host, text);
}

/** A variable of a process; '' where it is not set, undefined where the environment cannot be seen. */
export async function environmentValue(host: Host, pid: number, name: string): Promise<string | undefined> {
  const text = await host.text(`/proc/${pid}/environ`);
  if (!text.ok) return undefined;
  return (
    text.value
      .split('\0')
      .find((one) => one.startsWith(`${name}=`))
      ?.slice(name.length + 1) ?? ''
  );
}

/** Libraries in the memory of a process that are layers, change its clock, or swallow its syncs; undefined where it cannot be seen. */
export async function mappedLayers(host: Host, pid: number | 'self'): Promise<readonly string[] | undefined> {
  const maps = await host.text(`/proc/${pid}/maps`);
  if (!maps.ok) return undefined;
  const paths = maps.value
    .split('\n')
    .flatMap((line) => (line.includes('/') ? [line.slice(line.indexOf('/'))] : []))
    .filter((path) => /\.so(?:\.|$)/.test(path));
  return [...new Set(paths)].filter((path) => layerOf(path) !== undefined || changesClock(path) || swallowsSync(path));
}

const PROXY_LINE =
  /^\s*(?:(?:socks[45]?|http|raw)\s+\S+\s+\d+|server(?:_port)?\s*=?\s*\S+|TorAddress\s+\S+|.*\bvia:\s*\S+)/i;

/** Where the files of a layer say that it diverts to: their lines about proxies. */
export async function layerTargets(host: Host, files: readonly string[]): Promise<string | undefined> {
  for (const path of files) {
    const text = await host.text(path);
    if (!text.ok) continue;
    const lines = text.value.split('\n').filter((line) => !/^\s*#/.test(line) && PROXY_LINE.test(line));
    // A login in such a line is nobody's business.
    const shown = lines.slice(0, 3).map((line) => line.trim().split(/\s+/).slice(0, 12).join(' '));
    return `${path}: ${shown.length === 0 ? 'no proxy named' : shown.map((line) => line.replace(/^((?:socks[45]?|http)\s+\S+\s+\d+)\s.*$/i, '$1 ***')).join('; ')}`;
  }
  return undefined;
}
