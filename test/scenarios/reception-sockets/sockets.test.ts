import assert from 'node:assert/strict';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { after, test } from 'node:test';
import { nodeNetwork } from '../../../src/world/node/network.ts';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import type { ReceptionListener } from '../../../src/flow/reception/reception.ts';
import { scene } from '../../support/reception.ts';
import type { Scene, SceneOptions } from '../../support/reception.ts';

const ENVELOPE = 'EHLO c.test\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<alice@example.test>\r\n';
const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

/** A scene whose listener is a real socket. */
async function listening(
  listener: Partial<ReceptionListener> = {},
  options: SceneOptions = {},
): Promise<{ where: Scene; port: number }> {
  const where = scene(options);
  const full: ReceptionListener = { name: 'test', profile: 'mx', tls: 'starttls', greetingDelay: false, ...listener };
  const server = await nodeNetwork.listen({ address: '127.0.0.1', port: 0 }, (stream) =>
    where.reception.accept(stream, full),
  );
  closing.push(async () => {
    void where.reception.stop(0);
    where.clock.advance(1);
    await server.close();
  });
  return { where, port: server.local.port };
}

/** Everything a socket hears until it ends, and a way to wait for words. */
function hear(socket: net.Socket): {
  text: () => string;
  until: (words: RegExp) => Promise<string>;
  ended: Promise<string>;
} {
  let heard = '';
  const waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const one of waiting.splice(0)) one();
  };
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
    wake();
  });
  socket.on('error', wake);
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(heard)));
  socket.on('close', wake);
  return {
    text: () => heard,
    ended,
    async until(words) {
      while (!words.test(heard)) {
        if (socket.destroyed) throw new Error(`closed before ${words}: ${heard}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      return heard;
    },
  };
}

test('a client that half-closes right after its message gets every reply', async () => {
  const { where, port } = await listening();
  const socket = net.connect({ port, host: '127.0.0.1' });
  const ears = hear(socket);
  socket.end(`${ENVELOPE}DATA\r\nSubject: x\r\n\r\n.\r\n`);
  assert.match(await ears.ended, /354 [^\n]*\n250 2\.0\.0 accepted as 0-1\r\n$/);
  assert.equal(where.queue.taken.length, 1);
  assert.equal(where.reception.sessions().open, 0);
});

test('RFC 3207 §4.2: what is pipelined behind STARTTLS in the clear is never heard', async () => {
  const certificate = await makeSelfSigned('mail.example.test', Date.now());
  const tlsContext = nodeNetwork.tlsContext(certificate.certificatePem, certificate.keyPem);
  const { where, port } = await listening({}, { tlsContext });
  const socket = net.connect({ port, host: '127.0.0.1' });
  const clear = hear(socket);
  socket.write('EHLO c.test\r\nSTARTTLS\r\nMAIL FROM:<injected@remote.test>\r\n');
  await clear.until(/220 2\.0\.0[^\n]*\n/);
  socket.removeAllListeners('data');
  const secure = tls.connect({ socket, rejectUnauthorized: false });
  const ears = hear(secure);
  secure.write('MAIL FROM:<a@remote.test>\r\n');
  await ears.until(/503 /);
  secure.write(`${ENVELOPE}DATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n`);
  assert.match(await ears.ended, /250 2\.0\.0 accepted[^\n]*\n221 /);
  assert.match(where.queue.taken[0]?.content.toString() ?? '', /with ESMTPS \(TLSv1\.3\) [^;]*\ttls TLS_/);
});

test('implicit TLS: the banner comes encrypted; a client that speaks in the clear is cut with an event', async () => {
  const certificate = await makeSelfSigned('mail.example.test', Date.now());
  const tlsContext = nodeNetwork.tlsContext(certificate.certificatePem, certificate.keyPem);
  const { where, port } = await listening({ profile: 'submission', tls: 'implicit' }, { tlsContext });
  const secure = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  const ears = hear(secure);
  await ears.until(/^220 /);
  secure.end('QUIT\r\n');
  await ears.ended;
  const clear = net.connect({ port, host: '127.0.0.1' });
  clear.on('error', () => undefined);
  const none = hear(clear);
  clear.write('EHLO c\r\nQUIT\r\n');
  assert.doesNotMatch(await none.ended, /^220/);
  assert.ok(where.events.some(({ name }) => name === 'reception.tls-failed'));
});

test('a 30 MB message under a draft that is slower than the client: reading stops, and little waits in memory', async () => {
  const { where, port } = await listening();
  const { queue } = where;
  let size = 0;
  let free = 0;
  let most = 0;
  queue.begin = () => ({
    sizeBytes: 0,
    inMemory: undefined,
    write(chunk) {
      size += chunk.length;
      most = Math.max(most, size - free);
      return size <= free;
    },
    drained(fn) {
      setImmediate(() => {
        free = size + 64 * 1024;
        fn();
      });
    },
    commit: () => Promise.resolve('0-1'),
    discard: () => undefined,
  });
  const socket = net.connect({ port, host: '127.0.0.1' });
  const ears = hear(socket);
  socket.write(`${ENVELOPE}DATA\r\n`);
  await ears.until(/354 /);
  const megabyte = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(16 * 1024));
  socket.write('Subject: x\r\n\r\n');
  for (let sent = 0; sent < 30; sent += 1) {
    if (!socket.write(megabyte)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end('.\r\n');
  assert.match(await ears.ended, /250 2\.0\.0 accepted/);
  assert.equal(size, 30 * megabyte.length + 14);
  assert.ok(most <= 256 * 1024, `${most} octets beyond what the draft wanted`);
});

test('1,000 connections that say nothing cost no timer of their own, and the 421 of the end reaches each', async () => {
  const { where, port } = await listening(
    {},
    { reception: { connectionsPerAddressMax: 2000 }, descriptors: { used: () => 0, limit: 10_000 } },
  );
  const sockets = Array.from({ length: 1000 }, () => net.connect({ port, host: '127.0.0.1' }));
  const ears = sockets.map(hear);
  await Promise.all(ears.map((one) => one.until(/^220 /)));
  assert.equal(where.clock.timers, 1);
  where.clock.advance(305_000);
  const texts = await Promise.all(ears.map((one) => one.until(/\n421 /)));
  assert.equal(texts.length, 1000);
  for (const socket of sockets) socket.destroy();
});

test('a client that has gone before it is accepted is nobody, not one of a UNIX socket', async () => {
  const seen: string[] = [];
  const server = await nodeNetwork.listen({ address: '127.0.0.1', port: 0 }, (stream) => {
    seen.push(stream.peer.address);
    stream.destroy();
  });
  const gone = Array.from({ length: 20 }, () => {
    const socket = net.connect(server.local.port, '127.0.0.1');
    socket.on('error', () => undefined);
    return new Promise<void>((resolve) => {
      socket.on('connect', () => {
        socket.resetAndDestroy();
        resolve();
      });
    });
  });
  await Promise.all(gone);
  await new Promise<void>((resolve) => {
    const last = net.connect(server.local.port, '127.0.0.1');
    last.on('close', () => resolve());
    last.resume();
  });
  await server.close();
  assert.deepEqual([...new Set(seen)], ['127.0.0.1']);
});
