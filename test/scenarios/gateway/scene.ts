/** A private mail server, a gateway with OpenSSH, and an Internet, each in a network namespace of its own. It needs root. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needs, programPath } from '../../support/needs.ts';
import type { Asked } from './resident.ts';

const run = promisify(execFile);
const RESIDENT = fileURLToPath(new URL('./resident.js', import.meta.url));

/** The gateway as the world and the private server know it; two hosts of the world. */
export const GATEWAY = '203.0.113.5';
export const FAR = '203.0.113.1';
export const CLIENT = '203.0.113.77';
export const GATEWAY6 = '2001:db8:5::5';
export const FAR6 = '2001:db8:5::1';
export const CLIENT6 = '2001:db8:5::77';

const USER = 'ims-gateway';
const UID = 4711;

/** A user like it, who may run nothing. */
export const USER_WITHOUT_SHELL = 'ims-nologin';

/** The `skip` of tests that need the scene. */
export function needsScene(): false | string {
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces';
  return needs('ip', 'sshd', 'iptables');
}

/** A process in a namespace that can be asked. */
export interface Resident {
  ask<T = unknown>(asked: Asked): Promise<T>;
  end(): void;
}

/** How often mail for a recipient arrived at a resident's sink. */
export async function arrivalsAt(host: Resident, recipient: string): Promise<number> {
  const { arrivals } = await host.ask<{ arrivals: [string, number][] }>({ what: 'arrivals' });
  return new Map(arrivals).get(recipient) ?? 0;
}

/** Where something of the scene is. */
export type Place = 'private' | 'gateway' | 'internet';

/** A further SSH server on the gateway. */
export interface FurtherServer {
  readonly name: string;
  readonly port: number;
  /** Lines of its configuration that win over the usual ones. */
  readonly more?: string;
  /** Words before its command line, such as prlimit. */
  readonly within?: string;
  /** Another program in its place, which stays in the foreground. */
  readonly command?: string;
  /** What is done before, in a mount namespace of its own, instead of giving it the user of the gateway. */
  readonly prepare?: string;
}

/** A server that runs on the gateway. */
export interface RunningServer {
  /** Ends it and its sessions at once. */
  end(): Promise<void>;
  /** Ends what listens; its sessions go on, as they do when sshd is started again. */
  endListener(): Promise<void>;
}

/** The scene. */
export interface Scene {
  readonly directory: string;
  /** Words before a command line that runs it in a namespace. */
  readonly within: Readonly<Record<Place, readonly string[]>>;
  readonly hostKey: string;
  readonly keyFile: string;
  readonly user: string;
  resident(where: Place): Resident;
  /** Starts sshd with further lines of its configuration: first ones, which win, and last ones, for a Match. */
  startGateway(more?: string, last?: string): Promise<void>;
  /** Starts another server there, and waits until it listens; the user of the gateway exists for it. */
  startServer(server: FurtherServer): Promise<RunningServer>;
  /** Ends its SSH server and the sessions there. */
  killGateway(): Promise<void>;
  /** Takes the power from the gateway: nothing says good-bye, and nothing of its state is left. Its addresses come back with `powerOn`. */
  powerOff(): Promise<void>;
  powerOn(): Promise<void>;
  newHostKey(): Promise<string>;
  /** What stands in authorized_keys; without text nothing. */
  authorize(line?: string): Promise<void>;
  /** Drops every packet between the gateway and that side (the private server), or no longer. No link goes down by it. */
  partition(on: boolean, side?: 'private' | 'internet'): Promise<void>;
  /** Drops the packets of the sessions that are open now for ever; new ones are not touched. */
  forgetSessions(): Promise<void>;
  remove(): Promise<void>;
}

const ip = (...words: string[]): Promise<unknown> => run('ip', words);

/** Builds it; sshd is not yet running. */
export async function buildScene(): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'ims-scene-'));
  await chmod(directory, 0o755);
  const name = (letter: string): string => `ims${letter}${process.pid}`;
  const names = { private: name('p'), gateway: name('g'), internet: name('i'), wire: name('w') };
  const scene = new NamespaceScene(directory, names);
  await scene.build();
  return scene;
}

class NamespaceScene implements Scene {
  readonly directory: string;
  readonly within: Scene['within'];
  readonly user = USER;
  readonly keyFile: string;
  hostKey = '';
  readonly #names: Readonly<Record<Place | 'wire', string>>;
  readonly #children = new Set<ChildProcess>();

  constructor(directory: string, names: Readonly<Record<Place | 'wire', string>>) {
    this.directory = directory;
    this.#names = names;
    this.keyFile = join(directory, 'key');
    const enter = (name: string): readonly string[] => ['ip', 'netns', 'exec', name];
    this.within = { private: enter(names.private), gateway: enter(names.gateway), internet: enter(names.internet) };
  }

  async build(): Promise<void> {
    const { private: inner, internet, wire } = this.#names;
    for (const name of [inner, internet, wire]) {
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    for (const side of ['private', 'internet']) {
      await ip('-n', wire, 'link', 'add', side, 'type', 'bridge', 'mcast_snooping', '0');
      await ip('-n', wire, 'link', 'set', side, 'up');
    }
    await this.#plug('private', 'private', '02:00:00:00:00:02', ['10.77.1.2/24', 'fd77:1::2/64']);
    const hosts = [`${FAR}/24`, `${CLIENT}/24`, `${FAR6}/64`, `${CLIENT6}/64`];
    await this.#plug('internet', 'internet', '02:00:00:00:00:01', hosts);
    // What does not choose its address is FAR6.
    await ip('-n', internet, 'addr', 'change', `${CLIENT6}/64`, 'dev', 'to-internet', 'preferred_lft', '0');
    await this.powerOn();
    await ip('-n', inner, 'route', 'add', `${GATEWAY}/32`, 'via', '10.77.1.1');
    await ip('-n', inner, 'route', 'add', `${GATEWAY6}/128`, 'via', 'fd77:1::1');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', this.keyFile]);
    const home = join(this.directory, 'home');
    await mkdir(home);
    await chown(home, UID, UID);
    for (const [file, line] of [
      [
        'passwd',
        `${USER}:x:${UID}:${UID}::${home}:/bin/sh\n${USER_WITHOUT_SHELL}:x:4712:${UID}::${home}:/usr/sbin/nologin`,
      ],
      ['shadow', `${USER}:*:19000:0:99999:7:::\n${USER_WITHOUT_SHELL}:*:19000:0:99999:7:::`],
      ['group', `${USER}:x:${UID}:`],
    ] as const)
      await writeFile(join(this.directory, file), `${await readFile(`/etc/${file}`, 'utf8')}${line}\n`);
    await this.newHostKey();
    await this.authorize(await readFile(`${this.keyFile}.pub`, 'utf8'));
  }

  /** Lays a cable from a host to a side of the wire. */
  async #plug(place: Place, side: 'private' | 'internet', mac: string, addresses: readonly string[]): Promise<void> {
    const { wire, [place]: host } = this.#names;
    const [inside, outside] = [`to-${side}`, `${place.slice(0, 3)}-${side}`];
    await ip('-n', wire, 'link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', host);
    await ip('-n', wire, 'link', 'set', outside, 'master', side, 'up');
    await ip('-n', host, 'link', 'set', inside, 'address', mac, 'up');
    for (const address of addresses) await ip('-n', host, 'addr', 'add', address, 'dev', inside, 'nodad');
  }

  async powerOn(): Promise<void> {
    const { gateway } = this.#names;
    await ip('netns', 'add', gateway);
    await ip('-n', gateway, 'link', 'set', 'lo', 'up');
    await this.#plug('gateway', 'private', '02:00:00:00:00:05', ['10.77.1.1/24', 'fd77:1::1/64']);
    await this.#plug('gateway', 'internet', '02:00:00:00:00:06', [`${GATEWAY}/24`, `${GATEWAY6}/64`]);
    await run('ip', ['netns', 'exec', gateway, 'sh', '-c', 'echo 25 > /proc/sys/net/ipv4/ip_unprivileged_port_start']);
  }

  async powerOff(): Promise<void> {
    const { gateway, wire } = this.#names;
    // First the cables, so that no connection is closed in an orderly way.
    for (const side of ['private', 'internet']) await ip('-n', wire, 'link', 'del', `gat-${side}`);
    const { stdout } = await run('ip', ['netns', 'pids', gateway]);
    for (const pid of stdout.split('\n').filter((word) => word !== '')) killOne(Number(pid));
    await ip('netns', 'del', gateway);
  }

  async newHostKey(): Promise<string> {
    const file = join(this.directory, 'host');
    await Promise.all([rm(file, { force: true }), rm(`${file}.pub`, { force: true })]);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    this.hostKey = (await run('ssh-keygen', ['-l', '-f', `${file}.pub`])).stdout.split(' ')[1] ?? '';
    return this.hostKey;
  }

  async authorize(line = ''): Promise<void> {
    await writeFile(join(this.directory, 'authorized_keys'), line);
  }

  async startGateway(more = '', last = ''): Promise<void> {
    await this.startServer({ name: 'sshd', port: 22, more, last });
  }

  async startServer(server: FurtherServer & { readonly last?: string }): Promise<RunningServer> {
    const { name, port, more = '', last = '', within = '' } = server;
    const config = join(this.directory, `${name}.conf`);
    // Of most options the first one wins, of MaxStartups the last one.
    await writeFile(
      config,
      `MaxStartups 100\n${more}\nPort ${port}\nHostKey ${this.directory}/host\nPidFile none\nUsePAM no\nStrictModes no\nGatewayPorts clientspecified
AllowTcpForwarding yes\nAuthorizedKeysFile ${this.directory}/authorized_keys\nPasswordAuthentication no\nLogLevel ERROR\n${last}\n`,
    );
    // The user exists in the eyes of this server alone.
    const mounts = ['passwd', 'shadow', 'group'].map((file) => `mount --bind ${this.directory}/${file} /etc/${file}`);
    const command = server.command ?? `${programPath('sshd')} -D -e -f ${config}`;
    const script = `${server.prepare ?? mounts.join(' && ')} && mkdir -p /run/sshd && exec ${within} ${command}`;
    const child = spawn('ip', ['netns', 'exec', this.#names.gateway, 'sh', '-c', script], {
      stdio: 'ignore',
      detached: true,
    });
    this.#children.add(child);
    const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0+:0000 0A`);
    for (let looks = 0; looks < 300; looks += 1) {
      const { stdout } = await run('ip', [
        ...['netns', 'exec', this.#names.gateway],
        ...['cat', '/proc/net/tcp', '/proc/net/tcp6'],
      ]);
      if (listening.test(stdout)) {
        const endListener = async (): Promise<void> => void killOne(child.pid ?? -1);
        return { end: () => endTree(child), endListener };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${name} does not listen`);
  }

  async killGateway(): Promise<void> {
    const { stdout } = await run('ip', ['netns', 'pids', this.#names.gateway]);
    for (const pid of stdout.split('\n').filter((word) => word !== '')) {
      const text = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (text.includes('sshd')) killOne(Number(pid));
    }
  }

  resident(where: Place): Resident {
    const [program = '', ...words] = [...this.within[where], process.execPath, '--enable-source-maps', RESIDENT];
    const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#children.add(child);
    const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
    let count = 0;
    child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const one = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) one?.resolve(result as never);
      else one?.reject(new Error(error));
    });
    child.on('exit', () => {
      for (const one of waiting.values()) one.reject(new Error('the resident is gone'));
    });
    return {
      ask: (asked) =>
        new Promise((resolve, reject) => {
          count += 1;
          waiting.set(count, { resolve, reject });
          child.send({ id: count, asked });
        }),
      end: () => void child.kill('SIGKILL'),
    };
  }

  async partition(on: boolean, side: 'private' | 'internet' = 'private'): Promise<void> {
    const port = side === 'private' ? 'pri-private' : 'int-internet';
    const enter = ['netns', 'exec', this.#names.wire];
    await run('ip', [...enter, 'bridge', 'link', 'set', 'dev', port, 'state', on ? '0' : '3']);
  }

  async forgetSessions(): Promise<void> {
    const enter = ['netns', 'exec', this.#names.private];
    const { stdout } = await run('ip', [...enter, 'cat', '/proc/net/tcp']);
    const ports = [...stdout.matchAll(/:([0-9A-F]{4}) [0-9A-F]{8}:0016 01/g)].map(([, hex = '0']) =>
      Number.parseInt(hex, 16),
    );
    const table = [...enter, programPath('iptables') ?? 'iptables'];
    for (const port of ports) {
      await run('ip', [...table, '-A', 'OUTPUT', '-p', 'tcp', '--sport', `${port}`, '--dport', '22', '-j', 'DROP']);
      await run('ip', [...table, '-A', 'INPUT', '-p', 'tcp', '--sport', '22', '--dport', `${port}`, '-j', 'DROP']);
    }
  }

  async remove(): Promise<void> {
    await this.killGateway().catch(() => undefined);
    for (const child of this.#children) await endTree(child);
    for (const name of Object.values(this.#names)) await ip('netns', 'del', name).catch(() => undefined);
    await rm(this.directory, { recursive: true, force: true });
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Kills a child and all that it started, unless it has ended. */
async function endTree({ pid, exitCode, signalCode }: ChildProcess): Promise<void> {
  if (pid !== undefined && exitCode === null && signalCode === null) await killTree(pid);
}

async function killTree(root: number): Promise<void> {
  const children = await readFile(`/proc/${root}/task/${root}/children`, 'latin1').catch(() => '');
  killOne(root);
  for (const pid of children.split(' ').filter((word) => word !== '')) await killTree(Number(pid));
}
