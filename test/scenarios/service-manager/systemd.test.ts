import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));

/** Binds a datagram socket, which Node cannot, and prints every message as a line. */
const LISTEN = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound',flush=True)
while True: print(s.recv(4096).decode().replace('\\n',' '),flush=True)`;

let directory: string;
let holder: Server | undefined;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ims-'));
});
after(async () => {
  holder?.close();
  await rm(directory, { recursive: true, force: true });
});

interface Running {
  readonly pid: number;
  output(): string;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

function start(command: string, words: readonly string[], environment: NodeJS.ProcessEnv): Running {
  const child = spawn(command, words, {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    pid: child.pid ?? -1,
    output: () => output,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

async function configure(name: string, port: number): Promise<string> {
  const home = join(directory, name);
  await mkdir(home);
  const file = join(home, 'ims.yaml');
  await writeFile(file, testConfiguration({ directory: home, ports: { mx: port }, workers: 1 }));
  await chmod(file, 0o600);
  return file;
}

test('systemd is told of start, reload and stop, and gets signs of life', {
  timeout: 60_000,
  skip: needs('systemd-notify', 'python3'),
}, async () => {
  const socket = join(directory, 'notify');
  const systemd = start('python3', ['-c', LISTEN, socket], {});
  await until('the socket', () => systemd.output().includes('bound'));
  const port = await freePort();
  const file = await configure('notify-home', port);
  const service = start(process.execPath, [MAIN, 'run', '--config', file], {
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: '1000000',
  });
  const told = (what: string): Promise<void> =>
    until(`${what} in ${systemd.output()}`, () => systemd.output().includes(what), 15_000);
  await told('READY=1 STATUS=Everything runs.');
  await sendOne(port, 'alice@example.test');
  await told('WATCHDOG=1');
  process.kill(service.pid, 'SIGHUP');
  await told('RELOADING=1');
  await until('READY=1 again', () => systemd.output().split('READY=1').length > 2);
  assert.match(systemd.output(), /RELOADING=1 .*MONOTONIC_USEC=\d+/);
  await appendFile(file, 'nonsense: true\n');
  process.kill(service.pid, 'SIGHUP');
  await told('STATUS=Mail is accepted; one thing is not well: configuration: ');
  assert.equal(await service.end('SIGTERM'), 0, service.output());
  await told('STOPPING=1');
  await systemd.end('SIGTERM');
});

test('sockets that systemd hands over are used, by their name', {
  timeout: 60_000,
  skip: needs('systemd-socket-activate'),
}, async () => {
  const [port, other] = [await freePort(), await freePort()];
  // The configured port is taken: only the socket handed over can answer.
  holder = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => holder?.listen(other, '127.0.0.1', resolve));
  const file = await configure('activated', other);
  const words = [`--listen=127.0.0.1:${port}`, '--fdname=mx', process.execPath, MAIN, 'run', '--config', file];
  const service = start('systemd-socket-activate', words, {});
  // The first connection is what starts the service.
  await until(
    'a message taken',
    () =>
      sendOne(port, 'alice@example.test').then(
        () => true,
        () => false,
      ),
    20_000,
  );
  await until('its start', () => service.output().includes('"event":1000'));
  assert.ok(!service.output().includes('"event":4007'), 'nothing else is bound');
  assert.equal(await service.end('SIGTERM'), 0);
});

test('a socket handed over under another name is used for the listener of its port', {
  timeout: 60_000,
  skip: needs('systemd-socket-activate'),
}, async () => {
  const port = await freePort();
  const file = await configure('by-port', port);
  const service = start(
    'systemd-socket-activate',
    [`--listen=127.0.0.1:${port}`, process.execPath, MAIN, 'run', '--config', file],
    {},
  );
  await until(
    'a message taken',
    () =>
      sendOne(port, 'alice@example.test').then(
        () => true,
        () => false,
      ),
    20_000,
  );
  assert.ok(!service.output().includes('"event":4007'), service.output());
  assert.equal(await service.end('SIGTERM'), 0);
});

test('a socket handed over that no listener wants is named', {
  timeout: 60_000,
  skip: needs('systemd-socket-activate'),
}, async () => {
  const [port, own] = [await freePort(), await freePort()];
  const file = await configure('unwanted', own);
  const service = start(
    'systemd-socket-activate',
    [`--listen=127.0.0.1:${port}`, '--fdname=submisson', process.execPath, MAIN, 'run', '--config', file],
    {},
  );
  await until(
    'a connection',
    () =>
      sendOne(port, 'alice@example.test').then(
        () => true,
        () => service.output().includes('"event":1000'),
      ),
    20_000,
  );
  await until('the event', () => service.output().includes('submisson'));
  assert.match(service.output(), /"event":3801/);
  await sendOne(own, 'alice@example.test');
  assert.equal(await service.end('SIGTERM'), 0);
});
