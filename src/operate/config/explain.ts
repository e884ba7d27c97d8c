import { nearest } from './nearest.ts';
import { allSettings, type Setting, type Shape } from './shape.ts';
import { allowed } from './words.ts';

/**
 * A key with what the schema says about it. `path` has '<name>' for names of the operator's choice and '[]' for list
 * entries.
 */
export interface Explained {
  readonly path: string;
  readonly setting: Setting;
}

/** The kind of text that stands for a name of the operator's choice below a map, by the map's own key. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  listeners: '<listener>',
  domains: '<domain>',
  mailboxes: '<local part>',
  aliases: '<local part>',
  smartHosts: '<group>',
  proxies: '<proxy>',
  gateways: '<gateway>',
  rewrite: '<inside>',
  levels: '<category>',
};

const join = (path: string, part: string): string => (path === '' ? part : `${path}.${part}`);

function belowOf(path: string, shape: Shape): Explained[] {
  const key = path.slice(path.lastIndexOf('.') + 1);
  switch (shape.kind) {
    case 'section':
      return [...shape.fields].map(([name, setting]) => ({ path: join(path, name), setting }));
    case 'map':
      return [{ path: join(path, PLACEHOLDERS[key] ?? '<name>'), setting: shape.entry }];
    case 'list':
      return shape.item.shape.kind === 'section' ? [{ path: `${path}[]`, setting: shape.item }] : [];
    case 'one-of':
      return shape.options.flatMap((option) => (option.shape.kind === 'section' ? belowOf(path, option.shape) : []));
    default:
      return [];
  }
}

/** Every setting below a key, in the order of the file, with those below it. */
export function settingsBelow(path: string, setting: Setting): Explained[] {
  return belowOf(path, setting.shape).flatMap((one) => [one, ...settingsBelow(one.path, one.setting)]);
}

/**
 * Finds a key as a person writes it: 'reception.timeouts.command', 'listeners.mx.port',
 * 'routing.smartHosts.provider.hosts[0].port'.
 */
export function findSetting(
  key: string,
): { readonly ok: true; readonly found: Explained } | { readonly ok: false; readonly nearest?: string } {
  let here: Explained = { path: '', setting: allSettings() };
  const parts = key
    .replaceAll(/\[\d*\]/g, '')
    .split('.')
    .filter((part) => part !== '');
  for (const [i, part] of parts.entries()) {
    let below = belowOf(here.path, here.setting.shape);
    if (here.setting.shape.kind === 'list') below = below.flatMap((one) => belowOf(one.path, one.setting.shape));
    const last = (one: Explained): string => one.path.slice(one.path.lastIndexOf('.') + 1);
    const next: Explained | undefined =
      below.find((one) => last(one) === part) ?? below.find((one) => last(one).startsWith('<'));
    if (next === undefined) {
      const near = nearest(part, below.map(last)) ?? nearestAnywhere(part);
      if (near === undefined) return { ok: false };
      return { ok: false, nearest: near.includes('.') ? near : [...parts.slice(0, i), near].join('.') };
    }
    // A domain is one name with dots in it.
    if (last(next) === '<domain>') return findBelowDomain(next, parts.slice(i));
    here = next;
  }
  return { ok: true, found: here };
}

function findBelowDomain(domain: Explained, parts: readonly string[]): ReturnType<typeof findSetting> {
  const fields = belowOf(domain.path, domain.setting.shape);
  const start = parts.findIndex((part, i) => i > 0 && fields.some((one) => one.path.endsWith(`.${part}`)));
  if (start === -1) return { ok: true, found: domain };
  let here = fields.find((one) => one.path.endsWith(`.${parts[start] ?? ''}`));
  for (const part of parts.slice(start + 1)) {
    const below: Explained[] = here === undefined ? [] : belowOf(here.path, here.setting.shape);
    here = below.find((one) => one.path.endsWith(`.${part}`)) ?? below.find((one) => one.path.endsWith('>'));
  }
  return here === undefined ? { ok: false } : { ok: true, found: here };
}

/** A key that was named without its section: 'spaceFloor'. */
function nearestAnywhere(part: string): string | undefined {
  const all = settingsBelow('', allSettings()).map((one) => one.path);
  const exact = all.find((path) => path.slice(path.lastIndexOf('.') + 1).toLowerCase() === part.toLowerCase());
  if (exact !== undefined) return exact;
  const near = nearest(
    part,
    all.map((path) => path.slice(path.lastIndexOf('.') + 1)),
  );
  return near === undefined ? undefined : all.find((path) => path.endsWith(`.${near}`) || path === near);
}

/** A value as it is written in YAML's short form. */
export function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return entries.length === 0
      ? '{}'
      : `{ ${entries.map(([key, one]) => `${plain(key)}: ${inline(one)}`).join(', ')} }`;
  }
  return typeof value === 'string' ? plain(value) : String(value);
}

const plain = (text: string): string =>
  text !== '' && /^[\w./][\w./@ +-]*$/.test(text) && !/^(true|false|null|[\d.]+)$/.test(text) && !text.endsWith(' ')
    ? text
    : `'${text.replaceAll("'", "''")}'`;

/** One sentence of facts: type and bounds, default, RFC, and when a change takes effect. */
export function facts({ setting }: Explained): readonly (readonly [string, string])[] {
  const { shape, meta, optional } = setting;
  const out: (readonly [string, string])[] = [['Allowed', allowed(shape)]];
  const composite = shape.kind === 'section' || (shape.kind === 'map' && inline(setting.default ?? {}) === '{}');
  if (!composite)
    out.push([
      'Default',
      setting.default === undefined ? (optional ? 'none' : 'none: the key must be given') : inline(setting.default),
    ]);
  else if (!optional) out.push(['Default', 'none: the section must be given']);
  if (meta.rfc !== undefined) out.push(['Standard', `RFC ${meta.rfc}`]);
  out.push(['A change', meta.reload === 'restart' ? 'takes effect at a restart' : 'takes effect at `ims reload`']);
  if (meta.example !== undefined) out.push(['Example', inline(meta.example)]);
  return out;
}

/** Explains a key to a person; undefined where there is no such key. */
export function explain(
  key: string,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly nearest?: string } {
  const result = findSetting(key);
  if (!result.ok) return result;
  const { found } = result;
  const rows = facts(found).map(([name, value]) => `  ${`${name}:`.padEnd(10)} ${value}`);
  const below = belowOf(found.path, found.setting.shape);
  const keys = below.map(
    (one) =>
      `  ${one.path}${one.setting.optional || one.path.endsWith('>') || found.setting.shape.kind === 'one-of' ? '' : ' (must be given)'}\n      ${one.setting.text}`,
  );
  const head = found.path === '' ? 'The configuration file' : found.path;
  return {
    ok: true,
    text: [head, `  ${found.setting.text}`.trimEnd(), ...rows, ...(keys.length > 0 ? ['', 'Below it:', ...keys] : [])]
      .filter((line) => line !== '  ')
      .join('\n'),
  };
}
