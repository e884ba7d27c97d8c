import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamPair } from '../../../test/support/streams.ts';
import type { ByteStream, Network } from '../../world/ports/network.ts';
import { askService } from './client.ts';
import { CONNECTIONS_MAX, REQUEST_BYTES_MAX, REQUESTS_MAX, RESPONSE_BYTES_MAX } from './limits.ts';
import { serveControl, type ActionEnd, type Stream } from './server.ts';
import { controlSocketPath } from './socket-path.ts';

type Run = (action: string, input: unknown, stream: Stream) => Promise<ActionEnd>;

/** A control socket in memory: its network dials what it listens to. */
async function served(run: Run): Promise<{ network: Pick<Network, 'dial'>; events: string[] }> {
  let accept: (stream: ByteStream) => void = () => undefined;
  const events: string[] = [];
  const network: Pick<Network, 'dial' | 'listen'> = {
    async dial() {
      const pair = streamPair();
      accept(pair.server);
      return pair.client;
    },
    async listen(_where, fn) {
      accept = fn;
      return { local: { address: '/run/ims/control', port: 0 }, close: async () => undefined };
    },
  };
  const directory = { kind: 'directory', sizeBytes: 0, mode: 0o700, modifiedMs: 0, inode: 1, device: 1 } as const;
  const result = await serveControl({
    network,
    disk: {
      makeDirectory: async () => undefined,
      entry: async (path) => (path.endsWith('control') ? undefined : directory),
      unlink: async () => undefined,
    },
    journal: { emit: (name) => void events.push(name) },
    directory: '/run/ims',
    version: '1',
    run,
  });
  assert.ok(result.ok);
  return { network, events };
}

const path = '/run/ims/control';

/** Writes raw octets and gathers what comes back until the connection ends or `until` holds. */
async function talk(network: Pick<Network, 'dial'>, octets: string, until: (text: string) => boolean): Promise<string> {
  const stream = await network.dial({ address: path, port: 0, timeoutMs: 1 });
  return await new Promise((resolve) => {
    let text = '';
    const end = (): void => resolve(text);
    stream.start({
      data: (chunk) => {
        text += chunk.toString();
        if (until(text)) end();
      },
      end,
      drain: () => undefined,
      closed: end,
    });
    stream.write(octets);
  });
}

test('a tool gets the items and the end of its action', async () => {
  const { network } = await served(async (action, input, stream) => {
    stream.item({ action });
    return { ok: true, result: input };
  });
  const items: unknown[] = [];
  const end = await askService({ network, path, action: 'a', input: { x: 1 }, item: (value) => items.push(value) });
  assert.deepEqual([items, end], [[{ action: 'a' }], { ok: true, result: { x: 1 } }]);
});

test('a request that is too long, or none at all, ends the connection', async () => {
  const { network } = await served(async () => ({ ok: true, result: 1 }));
  assert.match(await talk(network, 'x'.repeat(REQUEST_BYTES_MAX + 1), () => false), /the request is too long/);
  assert.match(await talk(network, 'GET / HTTP/1.1\r\n', () => false), /the line is not a request/);
});

test('more requests at once than are allowed are refused, and the others go on', async () => {
  const { network } = await served(() => new Promise(() => undefined));
  const requests = Array.from({ length: REQUESTS_MAX + 1 }, (_, id) => `{"id":${id},"action":"a"}\n`).join('');
  const text = await talk(network, requests, (so) => so.includes('"ok":false'));
  assert.match(text, new RegExp(`"id":${REQUESTS_MAX},"ok":false,"error":\\{"kind":"unavailable"`));
});

test('more connections than are allowed are closed, with an event', async () => {
  const { network, events } = await served(() => new Promise(() => undefined));
  for (let i = 0; i < CONNECTIONS_MAX; i += 1) await network.dial({ address: path, port: 0, timeoutMs: 1 });
  assert.deepEqual(events, []);
  await network.dial({ address: path, port: 0, timeoutMs: 1 });
  assert.deepEqual(events, ['control.connection-refused']);
});

test('a result that is too large becomes a failure in words', async () => {
  const { network } = await served(async () => ({ ok: true, result: 'x'.repeat(RESPONSE_BYTES_MAX) }));
  const end = await askService({ network, path, action: 'a', input: {} });
  assert.deepEqual(end, {
    ok: false,
    error: { kind: 'failed', message: 'the result is too large; narrow the question' },
  });
});

test('an action without end is told when its tool goes', async () => {
  let gone = 0;
  const { network } = await served(
    (_action, _input, stream) =>
      new Promise((resolve) =>
        stream.onGone(() => {
          gone += 1;
          resolve({ ok: true, result: 0 });
        }),
      ),
  );
  let cancel = (): void => undefined;
  const end = askService({ network, path, action: 'a', input: {}, cancel: (fn) => (cancel = fn) });
  await new Promise((resolve) => queueMicrotask(() => queueMicrotask(() => resolve(undefined))));
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
  cancel();
  assert.deepEqual(await end, { ok: true, result: undefined });
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
  assert.equal(gone, 1);
});

test('a path that the system would cut is refused with what to do', () => {
  assert.deepEqual(controlSocketPath('/run/ims'), { ok: true, path });
  const long = controlSocketPath(`/${'d'.repeat(100)}`);
  assert.match(
    long.ok ? '' : long.why,
    /109 octets long, and the system allows 107: .*set server\.run to a short directory/,
  );
});
