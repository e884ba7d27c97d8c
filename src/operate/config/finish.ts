import { isAbsolute, resolve } from 'node:path';
import type { DkimKeySettings } from '../../settings/recipients.ts';
import { settings as schema, type Settings } from '../../settings/index.ts';

/** Turns a checked raw value into settings; undefined where the schema still refuses it. */
export function applyDefaults(value: unknown): Settings | undefined {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

const isSocketPath = (address: string): boolean => address.includes('/');

/**
 * Makes all relative paths absolute: server.data and the files of certificates and passwords from the file's
 * directory, mailboxes from the data directory.
 */
export function resolvePaths(settings: Settings, directory: string): Settings {
  const from = (path: string): string => (isAbsolute(path) ? path : resolve(directory, path));
  const optional = <K extends string>(key: K, path: string | undefined): { [P in K]?: string } =>
    path === undefined ? {} : ({ [key]: from(path) } as { [P in K]?: string });
  const data = from(settings.server.data);
  const run = settings.server.run === undefined ? resolve(data, 'run') : from(settings.server.run);
  const socket = (address: string): string => (isSocketPath(address) ? resolve(run, address) : address);
  const listeners = Object.entries(settings.listeners).map(([name, listener]) => {
    const address = typeof listener.address === 'string' ? socket(listener.address) : listener.address.map(socket);
    return [name, { ...listener, address }] as const;
  });
  const groups = Object.entries(settings.routing.smartHosts).map(([name, group]) => {
    if (group.login === undefined) return [name, group] as const;
    return [
      name,
      { ...group, login: { ...group.login, ...optional('passwordFile', group.login.passwordFile) } },
    ] as const;
  });
  const proxies = Object.entries(settings.routing.proxies).map(([name, proxy]) => {
    const { login } = proxy;
    if (login === undefined) return [name, proxy] as const;
    const files = { ...optional('passwordFile', login.passwordFile), ...optional('tokenFile', login.tokenFile) };
    return [name, { ...proxy, login: { ...login, ...files } }] as const;
  });
  const gateways = Object.entries(settings.gateways).map(
    ([name, gateway]) => [name, { ...gateway, keyFile: from(gateway.keyFile) }] as const,
  );
  const dequeue = Object.entries(settings.dequeue).map(([name, entry]) => {
    if (entry.login === undefined) return [name, entry] as const;
    const login = { ...entry.login, ...optional('passwordFile', entry.login.passwordFile) };
    return [name, { ...entry, login }] as const;
  });
  const domains = Object.entries(settings.domains).map(
    ([name, domain]) =>
      [
        name,
        { ...domain, mailboxes: resolveMailboxes(domain.mailboxes, data), ...resolveKeys(domain.dkim, from) },
      ] as const,
  );
  return {
    ...settings,
    server: { ...settings.server, data, run },
    listeners: Object.fromEntries(listeners),
    tls: {
      ...settings.tls,
      ...optional('certificate', settings.tls.certificate),
      ...optional('key', settings.tls.key),
    },
    delivery: { ...settings.delivery, maildir: resolve(data, settings.delivery.maildir) },
    routing: {
      ...settings.routing,
      smartHosts: Object.fromEntries(groups),
      proxies: Object.fromEntries(proxies),
    },
    gateways: Object.fromEntries(gateways),
    dequeue: Object.fromEntries(dequeue),
    domains: Object.fromEntries(domains),
  };
}

type Domain = Settings['domains'][string];

function resolveKeys(dkim: Domain['dkim'], from: (path: string) => string): Pick<Domain, 'dkim'> {
  if (dkim === undefined) return {};
  const absolute = (one: DkimKeySettings): DkimKeySettings => ({ ...one, keyFile: from(one.keyFile) });
  return { dkim: Array.isArray(dkim) ? dkim.map(absolute) : absolute(dkim) };
}

type Mailboxes = Settings['domains'][string]['mailboxes'];

function resolveMailboxes(mailboxes: Mailboxes, data: string): Mailboxes {
  const out: [string, Mailboxes[string]][] = [];
  for (const [name, mailbox] of Object.entries(mailboxes)) {
    const delivery = mailbox.delivery;
    if (delivery !== undefined && 'maildir' in delivery)
      out.push([name, { ...mailbox, delivery: { maildir: resolve(data, delivery.maildir) } }]);
    else if (delivery !== undefined && 'directory' in delivery)
      out.push([name, { ...mailbox, delivery: { directory: resolve(data, delivery.directory) } }]);
    else out.push([name, mailbox]);
  }
  return Object.fromEntries(out);
}

/** Settings as text for handing them to another process. */
export function serialiseSettings(settings: Settings): string {
  return JSON.stringify(settings);
}

/**
 * The settings of a text made by `serialiseSettings`; they were checked when they were loaded and are not checked
 * again.
 */
export function parseSettings(text: string): Settings {
  return JSON.parse(text) as Settings;
}
