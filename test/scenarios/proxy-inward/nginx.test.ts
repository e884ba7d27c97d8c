import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { needs, programPath } from '../../support/needs.ts';
import { listens, type RunningProgram, startProgram, until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needs('nginx', 'libnginx-mod-stream');
const CLIENT = '127.0.0.77';
let service: TestService;
let nginx: RunningProgram | undefined;
let folder: string;
let ports: { mx: number; headed: number; bare: number; out: number };
let sink: RecordingSink;

const YAML = (directory: string): string => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: ${ports.mx}, proxyProtocol: { trusted: [127.0.0.1], timeout: 1s } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
routing:
  relayDomains: [v1.test, v2.test]
  smartHosts:
    v1: { hosts: [{ host: 127.0.0.1, port: ${ports.out} }], tls: none, proxyHeader: v1 }
    v2: { hosts: [{ host: 127.0.0.1, port: ${ports.out} }], tls: none, proxyHeader: v2 }
  addressSpaces: [{ match: v1.test, via: v1 }, { match: v2.test, via: v2 }]
`;

const NGINX = (): string => `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr;
events { worker_connections 100; }
stream {
  server { listen 127.0.0.1:${ports.headed}; proxy_pass 127.0.0.1:${ports.mx}; proxy_protocol on; }
  server { listen 127.0.0.1:${ports.bare}; proxy_pass 127.0.0.1:${ports.mx}; }
  server { listen 127.0.0.1:${ports.out} proxy_protocol; proxy_pass 127.0.0.1:${sink.port}; }
}
`;

before(async () => {
  if (skip !== false) return;
  const [mx = 0, headed = 0, bare = 0, out = 0] = await Promise.all(Array.from({ length: 4 }, freePort));
  ports = { mx, headed, bare, out };
  sink = await startRecordingSink();
  folder = await mkdtemp(join(tmpdir(), 'ims-nginx-'));
  await writeFile(join(folder, 'nginx.conf'), NGINX());
  service = await startService(YAML);
  nginx = startProgram(programPath('nginx') ?? '', ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')]);
  await listens({ port: headed });
});
after(async () => {
  await nginx?.end();
  await service?.remove();
  await sink?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Says lines one after the other, each after the answer to the one before; resolves with all that was heard. */
function converse(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port, localAddress: CLIENT });
    const left = [...lines];
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (!/^\d{3} .*\r\n$/m.test(chunk.toString('latin1'))) return;
      const next = left.shift();
      if (next !== undefined) socket.write(`${next}\r\n`);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
  });
}

test('behind nginx (stream, proxy_protocol) the Received field shows the client', { skip }, async () => {
  const lines = [
    'EHLO far.test',
    'MAIL FROM:<a@far.test>',
    'RCPT TO:<alice@example.test>',
    'DATA',
    'x: y\r\n\r\nx\r\n.',
  ];
  assert.match(await converse(ports.headed, [...lines, 'QUIT']), /\r\n221 /);
  const box = join(service.directory, 'data/mail/example.test/alice/new');
  const [name] = await until('the mail', async () => {
    const names = await readdir(box).catch(() => []);
    return names.length > 0 ? names : undefined;
  });
  assert.match(await readFile(join(box, name ?? ''), 'utf8'), /^Received: from far\.test \(\[127\.0\.0\.77\]\)/m);
});

test('nginx without proxy_protocol is cut before it hears a word, and an event says why', { skip }, async () => {
  assert.equal(await converse(ports.bare, ['EHLO far.test']), '');
  assert.match((await service.seen(3655)).text, /127\.0\.0\.1 to mx was closed/);
});

test('mail leaves by nginx that demands a PROXY header of us (stream, listen … proxy_protocol)', { skip }, async () => {
  for (const version of ['v1', 'v2']) {
    const lines = [
      'EHLO far.test',
      'MAIL FROM:<a@far.test>',
      `RCPT TO:<u@${version}.test>`,
      'DATA',
      'x: y\r\n\r\nx\r\n.',
    ];
    assert.match(await converse(ports.headed, [...lines, 'QUIT']), /\r\n221 /);
    await sink.taken(`u@${version}.test`);
  }
});
