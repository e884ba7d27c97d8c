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

const USER = 'ims-gateway';
const UID = 4711;

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

/** The scene. */
export interface Scene {
  readonly directory: string;
  /** Words before a command line that runs it in a namespace. */
  readonly within: Readonly<Record<'private' | 'gateway' | 'internet', readonly string[]>>;
  readonly hostKey: string;
  readonly keyFile: string;
  readonly user: string;
  resident(where: 'private' | 'gateway' | 'internet'): Resident;
  /** Starts sshd with further lines of its configuration: first ones, which win, and last ones, for a Match. */
  startGateway(more?: string, last?: string): Promise<void>;
  /** Ends everything that runs on the gateway, as a power cut does. */
  killGateway(): Promise<void>;
  newHostKey(): Promise<string>;
  /** What stands in authorized_keys; without text nothing. */
  authorize(line?: string): Promise<void>;
  /** Drops every packet between the private server and the gateway, or no longer. */
  partition(on: boolean): Promise<void>;
  /** Drops the packets of the sessions that are open now for ever; new ones are not touched. */
  forgetSessions(): Promise<void>;
  remove(): Promise<void>;
}

const ip = (...words: string[]): Promise<unknown> => run('ip', words);

/** Builds it; sshd is not yet running. */
export async function buildScene(): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'ims-scene-'));
  await chmod(directory, 0o755);
  const names = { private: `imsp${process.pid}`, gateway: `imsg${process.pid}`, internet: `imsi${process.pid}` };
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
  readonly #names: Readonly<Record<'private' | 'gateway' | 'internet', string>>;
  readonly #children = new Set<ChildProcess>();

  constructor(directory: string, names: Readonly<Record<'private' | 'gateway' | 'internet', string>>) {
    this.directory = directory;
    this.#names = names;
    this.keyFile = join(directory, 'key');
    const enter = (name: string): readonly string[] => ['ip', 'netns', 'exec', name];
    this.within = { private: enter(names.private), gateway: enter(names.gateway), internet: enter(names.internet) };
  }

  async build(): Promise<void> {
    const { private: inner, gateway, internet } = this.#names;
    for (const name of [inner, gateway, internet]) {
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    const link = async (one: string, oneIf: string, oneIp: string, other: string, otherIf: string, otherIp: string) => {
      await ip('-n', one, 'link', 'add', oneIf, 'type', 'veth', 'peer', 'name', otherIf, 'netns', other);
      await ip('-n', one, 'addr', 'add', oneIp, 'dev', oneIf);
      await ip('-n', other, 'addr', 'add', otherIp, 'dev', otherIf);
      await ip('-n', one, 'link', 'set', oneIf, 'up');
      await ip('-n', other, 'link', 'set', otherIf, 'up');
    };
    await link(inner, 'up0', '10.77.1.2/24', gateway, 'in0', '10.77.1.1/24');
    await link(gateway, 'out0', `${GATEWAY}/24`, internet, 'net0', `${FAR}/24`);
    await ip('-n', internet, 'addr', 'add', `${CLIENT}/24`, 'dev', 'net0');
    await ip('-n', inner, 'route', 'add', `${GATEWAY}/32`, 'via', '10.77.1.1');
    await run('ip', ['netns', 'exec', gateway, 'sh', '-c', 'echo 25 > /proc/sys/net/ipv4/ip_unprivileged_port_start']);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', this.keyFile]);
    await mkdir(join(this.directory, 'home'));
    await chown(join(this.directory, 'home'), UID, UID);
    for (const [file, line] of [
      ['passwd', `${USER}:x:${UID}:${UID}::${this.directory}/home:/bin/sh`],
      ['shadow', `${USER}:*:19000:0:99999:7:::`],
      ['group', `${USER}:x:${UID}:`],
    ] as const)
      await writeFile(join(this.directory, file), `${await readFile(`/etc/${file}`, 'utf8')}${line}\n`);
    await this.newHostKey();
    await this.authorize(await readFile(`${this.keyFile}.pub`, 'utf8'));
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
    const config = join(this.directory, 'sshd_config');
    await writeFile(
      config,
      `${more}\nPort 22\nHostKey ${this.directory}/host\nPidFile none\nUsePAM no\nStrictModes no\nGatewayPorts clientspecified
AllowTcpForwarding yes\nMaxStartups 100\nAuthorizedKeysFile ${this.directory}/authorized_keys\nPasswordAuthentication no\nLogLevel ERROR\n${last}\n`,
    );
    // The user exists in the eyes of this sshd alone.
    const mounts = ['passwd', 'shadow', 'group'].map((file) => `mount --bind ${this.directory}/${file} /etc/${file}`);
    const script = `${mounts.join(' && ')} && mkdir -p /run/sshd && exec ${programPath('sshd')} -D -e -f ${config}`;
    const child = spawn('ip', ['netns', 'exec', this.#names.gateway, 'sh', '-c', script], {
      stdio: 'ignore',
      detached: true,
    });
    this.#children.add(child);
    for (let looks = 0; looks < 200; looks += 1) {
      const { stdout } = await run('ip', ['netns', 'exec', this.#names.gateway, 'cat', '/proc/net/tcp']);
      if (/:0016 00000000:0000 0A/.test(stdout)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('sshd does not listen');
  }

  async killGateway(): Promise<void> {
    const { stdout } = await run('ip', ['netns', 'pids', this.#names.gateway]);
    for (const pid of stdout.split('\n').filter((word) => word !== '')) {
      const text = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (!text.includes('sshd')) continue;
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }

  resident(where: 'private' | 'gateway' | 'internet'): Resident {
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

  async partition(on: boolean): Promise<void> {
    for (const chain of ['INPUT', 'OUTPUT'])
      await run('ip', [
        ...['netns', 'exec', this.#names.private, programPath('iptables') ?? 'iptables'],
        ...[on ? '-A' : '-D', chain, chain === 'INPUT' ? '-s' : '-d', GATEWAY, '-j', 'DROP'],
      ]);
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
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of Object.values(this.#names)) await ip('netns', 'del', name).catch(() => undefined);
    await rm(this.directory, { recursive: true, force: true });
  }
}
