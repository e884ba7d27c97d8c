/** A real service among scripted next hops that it finds by MX: what the scenarios of the original cases run in. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDnsServer, type TestDnsServer } from '../support/dns-server.ts';
import type { Script } from '../support/scripted-peer.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { Client, type Sending } from './client.ts';
import { type PeerHost, type Raw, startPeer } from './peer.ts';

/** An address from which the service lets itself be used; 127.0.0.1 is a stranger to it. */
export const OURS = '127.0.0.2';
export const STRANGER = '127.0.0.1';
const MAILBOXES = 40;

/** What a town's service has besides the usual. */
export interface TownOptions {
  /** Lines below `routing:`, without its port. */
  readonly routing?: (town: { readonly peerPort: number }) => string;
  /** Lines below `reception:`, `policy:` (without localNetworks), `delivery:` and `scheduler:`. */
  readonly reception?: string;
  readonly policy?: string;
  readonly delivery?: string;
  readonly scheduler?: string;
  /** Lines below the domain example.test, indented by four. */
  readonly domain?: string;
  /** Whole further sections and listeners. */
  readonly more?: string;
  readonly listeners?: (town: { readonly peerPort: number }) => string;
}

/** One deliveries' row of `ims queue list --json`. */
export interface ListedDelivery {
  readonly queueId: string;
  readonly nextHop: string;
  readonly attempts: number;
  readonly dueAtMs: number;
  readonly held: boolean;
  readonly claimed: boolean;
  readonly quarantined: boolean;
  readonly recipients?: readonly {
    readonly mailbox: string;
    readonly state: string;
    readonly lastReply?: { readonly code: number; readonly detail?: string; readonly text: readonly string[] };
  }[];
}

/** The town: a service, a name server, hosts. */
export class Town {
  readonly port: number;
  readonly peerPort: number;
  readonly dns: TestDnsServer;
  service!: TestService;
  readonly #hosts: PeerHost[] = [];
  readonly #zone: string[] = [];
  #nextMailbox = 0;

  private constructor(port: number, peerPort: number, dns: TestDnsServer) {
    this.port = port;
    this.peerPort = peerPort;
    this.dns = dns;
  }

  static async found(options: TownOptions = {}): Promise<Town> {
    const town = new Town(await freePort(), await freePort(), await startDnsServer(''));
    town.service = await startService((directory) => town.configuration(directory, options));
    return town;
  }

  /** The configuration file that the options make. */
  configuration(directory: string, options: TownOptions): string {
    const { port, peerPort, dns } = this;
    const scheduler = options.scheduler ?? '  jitter: 0\n  normal: { first: 1s, factor: 2, longest: 1h }\n';
    return `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: ${port}, tls: none }
${options.listeners?.({ peerPort }) ?? ''}names: { servers: ['${dns.server}'], timeout: 500ms }
policy:
  localNetworks: [${OURS}/32]
${options.policy ?? ''}${options.reception === undefined ? '' : `reception:\n${options.reception}`}${options.delivery === undefined ? '' : `delivery:\n${options.delivery}`}routing:
  port: ${peerPort}
  tls: none
${options.routing?.({ peerPort }) ?? ''}scheduler:
${scheduler}domains:
  example.test:
    mailboxes:
      postmaster: {}
${Array.from({ length: MAILBOXES }, (_, n) => `      u${n}: {}\n`).join('')}${options.domain ?? ''}${options.more ?? ''}`;
  }

  /** A mailbox that no other test uses. */
  mailbox(): string {
    const name = `u${this.#nextMailbox}`;
    this.#nextMailbox += 1;
    if (this.#nextMailbox > MAILBOXES) throw new Error('the town has no mailbox left');
    return name;
  }

  /** A host that is the MX of the domains; further hosts of a domain get a worse preference. */
  async host(script: Script | Raw, ...domains: readonly string[]): Promise<PeerHost> {
    return this.hostWithLag(0, script, ...domains);
  }

  async hostWithLag(lagMs: number, script: Script | Raw, ...domains: readonly string[]): Promise<PeerHost> {
    const number = this.#hosts.length + 1;
    const address = `127.0.1.${number}`;
    const host = await startPeer(address, this.peerPort, script, lagMs);
    this.#hosts.push(host);
    this.zone(
      `h${number}.hosts.test A ${address}`,
      ...domains.map((domain) => `${domain} MX ${number * 10} h${number}.hosts.test`),
    );
    return host;
  }

  /** Adds lines to the zone. */
  zone(...lines: readonly string[]): void {
    this.#zone.push(...lines);
    this.dns.load(this.#zone.join('\n'));
  }

  /** Sends one message over a connection of its own, as one of ours. */
  async send(sending: Sending, from = OURS): Promise<string> {
    const client = await Client.open(this.port, from);
    try {
      return await client.send(sending);
    } finally {
      client.close();
    }
  }

  /** The messages of a mailbox, of example.test unless it says otherwise, once there are so many. */
  async mail(mailbox: string, count = 1, ms = 15_000): Promise<Buffer[]> {
    const [local = '', domain = 'example.test'] = mailbox.split('@');
    const directory = join(this.service.directory, 'data/mail', domain, local, 'new');
    const names = await until(
      async () => {
        const found = await readdir(directory).catch(() => []);
        return found.length >= count ? found : undefined;
      },
      `${count} messages in ${mailbox}`,
      ms,
    );
    return Promise.all(names.map((name) => readFile(join(directory, name))));
  }

  /** What waits in the queue. */
  async queue(
    ...filter: readonly string[]
  ): Promise<{ readonly total: number; readonly rows: readonly ListedDelivery[] }> {
    const { code, stdout, stderr } = await this.service.ims('queue', 'list', '--json', ...filter);
    if (code !== 0) throw new Error(`ims queue list ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as { total: number; rows: ListedDelivery[] };
  }

  /** The queue's rows for a recipient domain once one satisfies. */
  waiting(domain: string, satisfies: (row: ListedDelivery) => boolean, ms = 15_000): Promise<ListedDelivery> {
    return until(
      async () => (await this.queue('--domain', domain)).rows.find(satisfies),
      `a waiting delivery to ${domain}`,
      ms,
    );
  }

  async leave(): Promise<void> {
    await this.service?.remove();
    await Promise.all(this.#hosts.map((host) => host.close()));
    await this.dns.close();
  }
}

/** Asks again and again until there is an answer. */
export async function until<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  what: string,
  ms = 15_000,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until a host has so many contents, and returns them. */
export function arrived(host: PeerHost, count = 1, ms = 15_000): Promise<readonly Buffer[]> {
  return until(
    () => (host.contents.length >= count ? host.contents : undefined),
    `${count} messages at ${host.address}`,
    ms,
  );
}
