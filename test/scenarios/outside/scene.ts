/** A mail server on a private network, a router that translates addresses (NAT), and an Internet with its own view of names. It needs root. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needs, programPath } from '../../support/needs.ts';
import type { Asked } from '../gateway/resident.ts';

const run = promisify(execFile);
const RESIDENT = fileURLToPath(new URL('../gateway/resident.js', import.meta.url));

/** The mail server inside, the router outside, and the host outside that has the name server and the proxy. */
export const INNER = '10.66.1.2';
export const ROUTER = '203.0.113.9';
export const OUTSIDE = '203.0.113.1';
/** An address outside that is nobody's. */
export const NOBODY = '203.0.113.99';
export const PROXY_PORT = 1080;

/** The `skip` of tests that need the scene. */
export function needsScene(): false | string {
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces';
  return needs('ip', 'nft', 'microsocks');
}

const ip = (...words: string[]): Promise<unknown> => run('ip', words);

/** The scene: three namespaces, joined by the router. */
export class NatScene {
  readonly #names = { inside: `imsn${process.pid}`, router: `imsr${process.pid}`, outside: `imso${process.pid}` };
  readonly #children = new Set<ChildProcess>();

  /** Words before a command line that runs it inside. */
  get within(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#names.inside];
  }

  async build(): Promise<void> {
    const { inside, router, outside } = this.#names;
    for (const name of [inside, router, outside]) {
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    const link = async (one: string, oneIp: string, oneIf: string, otherIf: string, other: string, otherIp: string) => {
      await ip('-n', one, 'link', 'add', oneIf, 'type', 'veth', 'peer', 'name', otherIf, 'netns', other);
      await ip('-n', one, 'addr', 'add', oneIp, 'dev', oneIf);
      await ip('-n', other, 'addr', 'add', otherIp, 'dev', otherIf);
      await ip('-n', one, 'link', 'set', oneIf, 'up');
      await ip('-n', other, 'link', 'set', otherIf, 'up');
    };
    await link(inside, `${INNER}/24`, 'up0', 'lan0', router, '10.66.1.1/24');
    await link(router, `${ROUTER}/24`, 'wan0', 'net0', outside, `${OUTSIDE}/24`);
    await ip('-n', inside, 'route', 'add', 'default', 'via', '10.66.1.1');
    await run('ip', ['netns', 'exec', router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    await this.#nft('add table ip nat');
    await this.#nft('add chain ip nat out { type nat hook postrouting priority 100 ; }');
    await this.#nft('add rule ip nat out oifname wan0 masquerade');
    await this.#nft('add chain ip nat in { type nat hook prerouting priority -100 ; }');
    const proxy = programPath('microsocks') ?? 'microsocks';
    const child = spawn('ip', ['netns', 'exec', outside, proxy, '-i', OUTSIDE, '-p', `${PROXY_PORT}`], {
      stdio: 'ignore',
    });
    this.#children.add(child);
    await this.#listens(outside, PROXY_PORT);
  }

  /** Lets the router forward port 25 to the mail server, or no longer. */
  async forward(on: boolean): Promise<void> {
    await this.#nft('flush chain ip nat in');
    if (on) await this.#nft(`add rule ip nat in iifname wan0 tcp dport 25 dnat to ${INNER}:25`);
  }

  /** A process in a namespace, and how to ask it. */
  resident(where: 'inside' | 'outside'): <T>(asked: Asked) => Promise<T> {
    const words = ['netns', 'exec', this.#names[where], process.execPath, RESIDENT];
    const child = spawn('ip', words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#children.add(child);
    let count = 0;
    return <T>(asked: Asked) =>
      new Promise<T>((resolve, reject) => {
        count += 1;
        const id = count;
        const answered = (answer: {
          readonly id: number;
          readonly result?: unknown;
          readonly error?: string;
        }): void => {
          if (answer.id !== id) return;
          child.off('message', answered);
          if (answer.error === undefined) resolve(answer.result as T);
          else reject(new Error(answer.error));
        };
        child.on('message', answered);
        child.send({ id, asked });
      });
  }

  async remove(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of Object.values(this.#names)) {
      const { stdout } = await run('ip', ['netns', 'pids', name]).catch(() => ({ stdout: '' }));
      for (const pid of stdout.split('\n').filter((word) => word !== '')) process.kill(Number(pid), 'SIGKILL');
      await ip('netns', 'del', name).catch(() => undefined);
    }
  }

  #nft(words: string): Promise<unknown> {
    return run('ip', ['netns', 'exec', this.#names.router, programPath('nft') ?? 'nft', ...words.split(' ')]);
  }

  async #listens(name: string, port: number): Promise<void> {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    for (let looks = 0; looks < 200; looks += 1) {
      const { stdout } = await run('ip', ['netns', 'exec', name, 'cat', '/proc/net/tcp']);
      if (stdout.includes(`:${hex} 00000000:0000 0A`)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`nobody listens on ${port}`);
  }
}
