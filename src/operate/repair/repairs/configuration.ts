import { isMap, parseDocument } from 'yaml';
import { isIP } from 'node:net';
import type { Parts } from '../../doctor/check.ts';
import { cleanText } from '../edit-yaml.ts';
import { cureOf, nothing, person, reloadIfRunning, steps, type Repair } from '../repair.ts';
import type { SettingChange } from '../step.ts';

type Raw = Readonly<Record<string, unknown>>;
const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The sections of a text; undefined where it is no YAML. */
function rawOf(text: string | undefined): Raw | undefined {
  if (text === undefined) return undefined;
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return undefined;
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return isRaw(value) ? value : undefined;
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRaw(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
};

/** Listeners that say the same as an earlier one, and addresses that one lists twice. */
export function duplicateListeners(raw: Raw): readonly SettingChange[] {
  const listeners = isRaw(raw['listeners']) ? raw['listeners'] : {};
  const seen = new Set<string>();
  const changes: SettingChange[] = [];
  for (const [name, listener] of Object.entries(listeners)) {
    const form = JSON.stringify(sorted(listener));
    if (seen.has(form)) {
      changes.push({ key: ['listeners', name] });
      continue;
    }
    seen.add(form);
    const addresses = isRaw(listener) ? listener['address'] : undefined;
    if (!Array.isArray(addresses)) continue;
    const once = [...new Set<unknown>(addresses)];
    if (once.length < addresses.length) changes.push({ key: ['listeners', name, 'address'], value: once });
  }
  return changes;
}

/** The same listener twice. */
export const dropDuplicates: Repair = {
  id: 'configuration.duplicate-listener',
  title: 'Takes out a listener that says exactly what another says',
  checks: ['configuration.loads'],
  provenBy: 'configuration.loads',
  events: [3790],
  async plan(given) {
    const { path, text } = given.configuration;
    const raw = rawOf(text);
    const changes = raw === undefined ? [] : duplicateListeners(raw);
    if (changes.length === 0) return person(cureOf(given));
    return steps(
      'The listener that stands twice stands once; the two did not differ in anything.',
      { do: 'edit-configuration', path, changes },
      ...(await reloadIfRunning(given)),
    );
  },
};

const inverse = (address: string): string | undefined =>
  isIP(address) === 4 ? `${address.split('.').reverse().join('.')}.in-addr.arpa` : undefined;

/** The name of this host in the name service: of an address of ours, and leading back to it. */
async function confirmedName({ host, resolver }: Pick<Parts, 'host' | 'resolver'>): Promise<string | undefined> {
  const own = host.addresses();
  for (const { address, internal } of own.ok ? own.value : []) {
    const question = internal ? undefined : inverse(address);
    if (question === undefined) continue;
    const names = await resolver.query(question, 'PTR');
    for (const name of names.kind === 'records' ? names.records : []) {
      const back = await resolver.query(name, 'A');
      if (back.kind === 'records' && back.records.includes(address) && name.includes('.')) return name;
    }
  }
  return undefined;
}

/** A greeting name that cannot be one, while the name service knows a good one for our address. */
export const takeConfirmedName: Repair = {
  id: 'configuration.host-name',
  title: 'Takes the name that the name service gives this host, where it leads back here',
  checks: ['configuration.loads', 'names.server-name', 'host.server-name'],
  provenBy: 'names.server-name',
  async plan(given) {
    const { host, resolver } = given.parts;
    const { path, text } = given.configuration;
    const raw = rawOf(text);
    const server = raw !== undefined && isRaw(raw['server']) ? raw['server'] : undefined;
    const unloaded = given.finding?.id === 'configuration.loads';
    const aboutName = given.parts.configuration?.problems.some(
      ({ key, severity }) => key === 'server.name' && severity === 'error',
    );
    if (server === undefined || host === undefined || resolver === undefined || (unloaded && aboutName !== true))
      return person(cureOf(given));
    const name = await confirmedName({ host, resolver });
    if (name === undefined || name === server['name']) return person(cureOf(given));
    return steps(
      `The service greets as ${name}, which is the name of an address of this host and leads back to it.`,
      { do: 'edit-configuration', path, changes: [{ key: ['server', 'name'], value: name }] },
      ...(await reloadIfRunning(given)),
    );
  },
};

/** A file from another system. It is read as it is; other programs may not. */
export const cleanLines: Repair = {
  id: 'configuration.line-ends',
  title: 'Writes the configuration with line feeds only and without a byte order mark',
  checks: [],
  provenBy: 'configuration.loads',
  events: [3790],
  async plan({ configuration: { path, text } }) {
    if (text === undefined) return nothing('the configuration cannot be read');
    const content = cleanText(text);
    if (content === text)
      return nothing('its lines end with line feeds, and no byte order mark stands at its beginning');
    return steps('Its lines end with line feeds; nothing else changes.', { do: 'write-file', path, content });
  },
};

/** A host without IPv6 can still listen with IPv4. */
export const listenWithIpv4: Repair = {
  id: 'listeners.ipv4-only',
  title: 'Listens at every IPv4 address where IPv6 is not available',
  checks: ['listeners.ipv6'],
  provenBy: 'listeners.ipv6',
  async plan(given) {
    const { path, text } = given.configuration;
    const raw = rawOf(text);
    const listeners = raw !== undefined && isRaw(raw['listeners']) ? raw['listeners'] : {};
    const changes: SettingChange[] = [];
    for (const [name, listener] of Object.entries(listeners)) {
      const address = isRaw(listener) ? listener['address'] : undefined;
      if (typeof address === 'string' && address === '::')
        changes.push({ key: ['listeners', name, 'address'], value: '0.0.0.0' });
      if (!Array.isArray(address) || !address.some((one) => String(one).includes(':'))) continue;
      const rest = address.filter((one) => !String(one).includes(':') && !String(one).includes('/'));
      const value = rest.length > 0 ? rest : ['0.0.0.0'];
      changes.push({ key: ['listeners', name, 'address'], value });
    }
    if (changes.length === 0) return person(cureOf(given));
    return steps(
      'The listeners take IPv4 addresses only; mail by IPv6 could not reach this host anyway.',
      { do: 'edit-configuration', path, changes },
      ...(await reloadIfRunning(given)),
    );
  },
};
