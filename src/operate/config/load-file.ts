import { basename, dirname, resolve } from 'node:path';
import { errnoOf } from '../../events/fault.ts';
import { readSigningKey } from '../../protocol/dkim-signing/key.ts';
import type { Settings } from '../../settings/index.ts';
import type { DkimKeySettings } from '../../settings/recipients.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { FILE_BYTES_MAX, PASSWORD_BYTES_MAX } from './limits.ts';
import { loadConfiguration, orderProblems, type Loaded } from './load.ts';
import { printKey, type Problem } from './problem.ts';

type ReadingDisk = Pick<Disk, 'readFile' | 'entry'>;
type Groups = Settings['routing']['smartHosts'];
type Proxies = Settings['routing']['proxies'];
type Gateways = Settings['gateways'];

const READING: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory',
  ESPIPE: 'is a pipe, not a file',
  ENOTDIR: 'leads through something that is no directory',
  EFBIG: 'is too large',
};

const whyNot = (error: unknown): string => READING[errnoOf(error)] ?? `cannot be read (${errnoOf(error)})`;
const OTHERS = 0o077;
const OTHERS_READ = 0o004;

class Files {
  readonly problems: Problem[] = [];
  readonly #disk: ReadingDisk;
  readonly #file: string;
  readonly #loaded: Loaded & { ok: true };

  constructor(disk: ReadingDisk, file: string, loaded: Loaded & { ok: true }) {
    this.#disk = disk;
    this.#file = file;
    this.#loaded = loaded;
  }

  report(severity: 'error' | 'warning', path: readonly string[], message: string, value: string): void {
    this.problems.push({
      severity,
      file: this.#file,
      ...this.#loaded.position(path, 'value'),
      key: printKey(path),
      message,
      value,
    });
  }

  /** The content of a small file; its permissions are judged where it is secret. */
  async read(
    path: readonly string[],
    file: string,
    secret: boolean,
    severity: 'error' | 'warning' = 'error',
  ): Promise<Buffer | undefined> {
    try {
      const entry = await this.#disk.entry(file);
      if (secret && entry !== undefined && (entry.mode & OTHERS) !== 0) {
        this.report('warning', path, `can be read by other users; run chmod 600 on it`, file);
      }
      return await this.#disk.readFile(file);
    } catch (error) {
      this.report(severity, path, whyNot(error), file);
      return undefined;
    }
  }

  /** The content of a secret file which only a part of the service waits for: not to have it is worth a warning. */
  async readWaiting(path: readonly string[], file: string): Promise<string | undefined> {
    return (await this.read(path, file, true, 'warning'))?.toString('latin1');
  }

  /** The first line of a file that holds a secret. */
  async readSecret(path: readonly string[], file: string): Promise<string> {
    const content = await this.read(path, file, true);
    const secret = content?.subarray(0, PASSWORD_BYTES_MAX).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
    if (content !== undefined && secret === '') this.report('error', path, 'has an empty first line', file);
    return secret;
  }
}

/** Fills in the passwords of smart hosts from their files. */
async function readPasswords(groups: Groups, files: Files): Promise<Groups> {
  const out: [string, Groups[string]][] = [];
  for (const [name, group] of Object.entries(groups)) {
    const file = group.login?.passwordFile;
    if (group.login === undefined || file === undefined) {
      out.push([name, group]);
      continue;
    }
    const path = ['routing', 'smartHosts', name, 'login', 'passwordFile'];
    const password = await files.readSecret(path, file);
    out.push([name, { ...group, login: { ...group.login, password } }]);
  }
  return Object.fromEntries(out);
}

/** The same for proxies, with their tokens. */
async function readProxySecrets(proxies: Proxies, files: Files): Promise<Proxies> {
  const out: [string, Proxies[string]][] = [];
  for (const [name, proxy] of Object.entries(proxies)) {
    const { login } = proxy;
    const path = ['routing', 'proxies', name, 'login'];
    const read = (key: string, file: string | undefined): Promise<string> | undefined =>
      file === undefined ? undefined : files.readSecret([...path, key], file);
    const password = (await read('passwordFile', login?.passwordFile)) ?? login?.password;
    const token = (await read('tokenFile', login?.tokenFile)) ?? login?.token;
    const secrets = { ...(password === undefined ? {} : { password }), ...(token === undefined ? {} : { token }) };
    out.push([name, login === undefined ? proxy : { ...proxy, login: { ...login, ...secrets } }]);
  }
  return Object.fromEntries(out);
}

/** The same for hosts that hold mail for us. */
async function readDequeuePasswords(dequeue: Settings['dequeue'], files: Files): Promise<Settings['dequeue']> {
  const out: [string, Settings['dequeue'][string]][] = [];
  for (const [name, entry] of Object.entries(dequeue)) {
    const { login } = entry;
    const path = ['dequeue', name, 'login', 'passwordFile'];
    if (login?.passwordFile === undefined) out.push([name, entry]);
    else
      out.push([name, { ...entry, login: { ...login, password: await files.readSecret(path, login.passwordFile) } }]);
  }
  return Object.fromEntries(out);
}

/** Reads the private keys for gateways. One that is not there yet does not stop the rest: the gateway waits for it. */
async function readGatewayKeys(gateways: Gateways, files: Files): Promise<Gateways> {
  const out: [string, Gateways[string]][] = [];
  for (const [name, gateway] of Object.entries(gateways)) {
    const key = await files.readWaiting(['gateways', name, 'keyFile'], gateway.keyFile);
    out.push([name, key === undefined ? gateway : { ...gateway, key }]);
  }
  return Object.fromEntries(out);
}

/** Reads the keys that sign. One that cannot be used stops nothing: mail of its domain leaves unsigned, and that is told. */
async function readDkimKeys(domains: Settings['domains'], files: Files): Promise<Settings['domains']> {
  const out: [string, Settings['domains'][string]][] = [];
  for (const [name, domain] of Object.entries(domains)) {
    if (domain.dkim === undefined) {
      out.push([name, domain]);
      continue;
    }
    const several = Array.isArray(domain.dkim);
    const keys: DkimKeySettings[] = [];
    for (const [i, one] of [domain.dkim].flat().entries()) {
      const path = ['domains', name, 'dkim', ...(several ? [String(i)] : []), 'keyFile'];
      const key = await files.readWaiting(path, one.keyFile);
      const read = key === undefined ? undefined : readSigningKey(key);
      const problem = read === undefined ? undefined : read.ok ? read.key.doubt : read.why;
      if (problem !== undefined) files.report('warning', path, problem, one.keyFile);
      keys.push(key === undefined ? one : { ...one, key });
    }
    out.push([name, { ...domain, dkim: keys }]);
  }
  return Object.fromEntries(out);
}

async function checkCertificate({ tls }: Settings, files: Files): Promise<void> {
  if (tls.certificate !== undefined) {
    const text = (await files.read(['tls', 'certificate'], tls.certificate, false))?.toString('latin1');
    if (text !== undefined && !text.includes('-----BEGIN CERTIFICATE-----'))
      files.report('error', ['tls', 'certificate'], 'holds no certificate in PEM form', tls.certificate);
  }
  if (tls.key !== undefined) {
    const text = (await files.read(['tls', 'key'], tls.key, true))?.toString('latin1');
    if (text !== undefined && !/-----BEGIN (?:[A-Z]{2,9} )?PRIVATE KEY-----/.test(text))
      files.report('error', ['tls', 'key'], 'holds no private key in PEM form', tls.key);
  }
}

/** Whether others may read a file that holds passwords. */
async function checkOwnMode(file: string, text: string, disk: ReadingDisk): Promise<Problem[]> {
  const entry = await disk.entry(file);
  const holdsPassword = /^\s*-?\s*[{"']?(?:password|token)["']?\s*:|[{,]\s*(?:password|token)\s*:/m.test(text);
  if (entry === undefined || !holdsPassword || (entry.mode & OTHERS_READ) === 0) return [];
  const message = 'holds passwords or their hashes and can be read by every user; run chmod 600 on it';
  return [{ severity: 'warning', file, line: 0, column: 0, key: '', message }];
}

/** What editors and people make of a file's name. */
async function nearMiss(disk: ReadingDisk, path: string): Promise<string> {
  const stem = path.replace(/\.ya?ml$/, '');
  for (const near of [`${path}.txt`, `${stem}.yaml`, `${stem}.yml`, `${stem}.txt`, `${stem}.json`, stem]) {
    const entry = near === path ? undefined : await disk.entry(near).catch(() => undefined);
    if (entry?.kind === 'file') return `, but there is ${near}: rename it`;
  }
  return '';
}

/** By its byte order mark, or by the zero beside its first sign. */
function isUtf16(octets: Buffer): boolean {
  if (octets.length < 2) return false;
  const first = octets.readUInt16BE(0);
  return first === 0xfffe || first === 0xfeff || (first & 0xff) === 0 || first >>> 8 === 0;
}

function notLoaded(path: string, message: string): LoadedFile {
  const problem: Problem = { severity: 'error', file: path, line: 0, column: 0, key: '', message };
  return { text: undefined, path, loaded: { ok: false, problems: [problem] } };
}

/** A configuration file that was read. */
export interface LoadedFile {
  readonly text: string | undefined;
  readonly path: string;
  readonly loaded: Loaded;
  /** Settings whose only errors are the files of the certificate: a start can go on without TLS. */
  readonly withoutTls?: Settings;
}

/**
 * Reads and checks a configuration file together with the files that it names; passwords of smart hosts come back
 * filled in.
 */
export async function loadConfigurationFile(disk: ReadingDisk, file: string): Promise<LoadedFile> {
  const path = resolve(file);
  let text: string;
  try {
    const entry = await disk.entry(path);
    if (entry !== undefined && entry.sizeBytes > FILE_BYTES_MAX)
      throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    const octets = await disk.readFile(path);
    if (isUtf16(octets)) return notLoaded(path, 'is saved as UTF-16 ("Unicode"); save it as UTF-8');
    text = octets.toString('utf8');
  } catch (error) {
    const near = errnoOf(error) === 'ENOENT' ? await nearMiss(disk, path) : '';
    return notLoaded(path, `${whyNot(error)}${near}`);
  }
  return loadConfigurationText(disk, path, text, basename(file) === file ? file : path);
}

/** Checks the text of a configuration file together with the files that it names. `shown` is the name that problems carry. */
export async function loadConfigurationText(
  disk: ReadingDisk,
  path: string,
  text: string,
  shown = path,
): Promise<LoadedFile> {
  const loaded = loadConfiguration(text, shown, { directory: dirname(path) });
  if (!loaded.ok) return { text, path, loaded };
  const files = new Files(disk, path, loaded);
  const smartHosts = await readPasswords(loaded.settings.routing.smartHosts, files);
  const proxies = await readProxySecrets(loaded.settings.routing.proxies, files);
  const gateways = await readGatewayKeys(loaded.settings.gateways, files);
  const dequeue = await readDequeuePasswords(loaded.settings.dequeue, files);
  const domains = await readDkimKeys(loaded.settings.domains, files);
  await checkCertificate(loaded.settings, files);
  const problems = orderProblems([...loaded.warnings, ...(await checkOwnMode(path, text, disk)), ...files.problems]);
  const routing = { ...loaded.settings.routing, smartHosts, proxies };
  const settings = { ...loaded.settings, domains, gateways, dequeue, routing };
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) {
    const bearable = errors.every(({ key }) => key === 'tls.certificate' || key === 'tls.key');
    return { text, path, loaded: { ok: false, problems }, ...(bearable ? { withoutTls: settings } : {}) };
  }
  return { text, path, loaded: { ...loaded, settings, warnings: problems } };
}
