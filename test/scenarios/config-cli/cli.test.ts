import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { QueueFilter, QueueRow } from '../../../src/flow/queue/port.ts';
import { runAction, type EventRecord, type OperatorContext } from '../../../src/operate/actions/index.ts';
import { main } from '../../../src/operate/cli/main.ts';
import { loadConfigurationFile } from '../../../src/operate/config/index.ts';
import { serveControl, type ControlServer } from '../../../src/operate/control/server.ts';
import { hashPassword, verifyPassword } from '../../../src/world/node/passwords.ts';
import { usualTransfer } from '../../../src/operate/transfer/state.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'ims-cli-'));
const file = join(directory, 'ims.yaml');
const run = join(directory, 'data/run');
const emitted: string[] = [];
const followers = new Set<(record: EventRecord) => void>();
let server: ControlServer;

const row = (queueId: string, arrivedAtMs: number): QueueRow => ({
  queueId,
  deliveryId: queueId,
  nextHop: 'mx:example.com',
  class: 'normal',
  sizeBytes: 4096,
  arrivedAtMs,
  expiresAtMs: arrivedAtMs + 1000,
  dueAtMs: arrivedAtMs,
  attempts: 1,
  held: false,
  quarantined: false,
  claimed: false,
  sender: 'alice@example.test',
  recipients: [
    { mailbox: 'bob@example.com', state: 'waiting', lastReply: { code: 451, detail: '4.1', text: ['try later'] } },
  ],
  messageId: 'm@example.test',
});
const queues = [[row('0-3', 3000), row('0-1', 1000)], [row('1-2', 2000)]];
const matching = (filter: QueueFilter, rows: readonly QueueRow[]): QueueRow[] =>
  rows.filter((one) => filter.queueId === undefined || filter.queueId === one.queueId);

function answer(name: string, input: unknown, rows: readonly QueueRow[]): unknown {
  const { filter = {} } = input as { filter?: QueueFilter };
  if (name === 'queue.counts')
    return {
      messages: rows.length,
      deliveries: rows.length,
      held: 0,
      quarantined: 0,
      claimed: 0,
      bytes: 4096 * rows.length,
      oldestArrivalMs: 1000,
      nextHops: 1,
    };
  if (name === 'queue.list') return matching(filter, rows);
  if (name === 'queue.content') return { sizeBytes: 10, text: 'Subject: x\r\n\r\nbody\r\n' };
  return matching(filter, rows).length;
}

const event: EventRecord = {
  atMs: 0,
  number: 3018,
  name: 'storage.space-low',
  severity: 'warning',
  category: 'storage',
  process: 'worker 0',
  text: 'only little is free',
  data: {},
  advice: 'Free space.',
};

async function context(): Promise<OperatorContext> {
  const { loaded } = await loadConfigurationFile(nodeWorld.disk, file);
  assert.ok(loaded.ok);
  return {
    workers: {
      call: async (name, input) =>
        queues.map((rows, worker) => ({ worker, ok: true as const, result: answer(name, input, rows) })) as never,
    },
    supervisor: {
      measures: async () => ({ counts: {}, workers: [], silent: 0 }),
      status: async () => ({
        version: '1',
        verdict: 'Mail is accepted; one thing is not well: names: no resolver answers.',
        parts: [
          {
            part: 'names',
            state: 'failed',
            sinceMs: 0,
            event: 3701,
            cause: 'no resolver answers',
            cure: 'ims doctor --only names',
          },
          { part: 'listener mx at 127.0.0.1:2525', state: 'running', sinceMs: 0 },
        ],
        startedAtMs: 0,
        configurationFile: file,
        generation: 1,
        listeners: [
          { name: 'mx', profile: 'mx', address: '127.0.0.1', port: 2525, tls: 'starttls', state: 'listening' },
        ],
        processes: [{ role: 'worker', index: 0, pid: 1, state: 'running', restarts: 0 }],
        degraded: [{ part: 'names', why: 'no resolver answers' }],
      }),
      reload: async () => ({
        kind: 'refused',
        problems: [{ severity: 'error', file, line: 1, column: 2, key: 'a', message: 'is wrong' }],
      }),
      stop: async () => undefined,
      setLevels: async () => undefined,
      levels: async () => ({ delivery: 'maximum' }),
    },
    timelines: {
      find: async (question) =>
        'queueId' in question
          ? [{ queueId: question.queueId, entries: [{ atMs: 0, queueId: question.queueId, what: 'ended' }] }]
          : [],
    },
    events: {
      list: async () => [event],
      follow: (_filter, listener) => {
        followers.add(listener);
        return () => followers.delete(listener);
      },
    },
    conditions: () => [],
    lookAgain: async () => undefined,
    examine: async () => undefined,
    console: () => ({ place: undefined, served: false }),
    transfer: { state: usualTransfer, order: async () => ({ state: usualTransfer, missing: [] }) },
    movement: async () => ({
      windowMs: 0,
      messages: 0,
      inPerHour: 0,
      outPerHour: 0,
      growthBytesPerHour: 0,
      forecast: { kind: 'steady' },
      course: [],
    }),
    settings: () => loaded.settings,
    disk: nodeWorld.disk,
    clock: nodeWorld.clock,
    journal: { emit: (name) => void emitted.push(name) },
  };
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function ims(
  line: string,
  more: { input?: string; onInterrupt?: (fn: () => void) => () => void; onOut?: (text: string) => void } = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(line.split(' '), {
    stdin: (async function* input() {
      yield Buffer.from(more.input ?? '');
    })(),
    stdout: {
      write(text) {
        out.push(text);
        more.onOut?.(text);
      },
    },
    stderr: { write: (text) => err.push(String(text)) },
    environment: { IMS_CONFIG: file },
    world: nodeWorld,
    version: '1',
    hashPassword,
    ...(more.onInterrupt === undefined ? {} : { onInterrupt: more.onInterrupt }),
  });
  return { code, out: out.join(''), err: err.join('') };
}

async function serve(): Promise<void> {
  const operator = await context();
  const served = await serveControl({
    network: nodeWorld.network,
    disk: nodeWorld.disk,
    journal: operator.journal,
    directory: run,
    version: '1',
    run: (action, input, stream) => runAction(operator, action, input, stream),
  });
  assert.ok(served.ok, JSON.stringify(served));
  server = served.server;
}

before(async () => {
  writeFileSync(
    file,
    'server: { name: mail.example.test }\nlisteners: { mx: { profile: mx } }\ndomains: { example.test: { mailboxes: { alice: , postmaster: } } }\n',
  );
  const inbox = join(directory, 'data/mail/example.test/alice/new');
  mkdirSync(inbox, { recursive: true });
  writeFileSync(join(inbox, '1.a'), 'From: bob@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody\r\n');
  await serve();
});

after(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

test('status shows listeners, processes, the queue of all workers and what is not well', async () => {
  const { code, out } = await ims('status');
  assert.equal(code, 0);
  assert.match(out, /mx +mx +127\.0\.0\.1 +2525 +starttls +listening/);
  assert.match(out, /Queue: 3 messages, 3 deliveries/);
  assert.match(out, /^Mail is accepted; one thing is not well: names: no resolver answers\.\n/);
  assert.match(
    out,
    /names: failed[\s\S]*why +no resolver answers \(event 3701\)\n +cure +ims doctor --only names\n +more +ims kb 3701/,
  );
  assert.equal((JSON.parse((await ims('status --json')).out) as { queue: { messages: number } }).queue.messages, 3);
});

test('the queue is listed over all workers, oldest first', async () => {
  const { code, out } = await ims('queue list');
  assert.equal(code, 0);
  assert.deepEqual(
    out
      .split('\n')
      .slice(1, 4)
      .map((line) => line.slice(0, 3)),
    ['0-1', '1-2', '0-3'],
  );
  assert.match(out, /451 4\.4\.1 try later/);
});

test('what cannot be taken back is previewed, and done only with --yes', async () => {
  const without = await ims('queue remove 0-1');
  assert.deepEqual([without.code, emitted.length], [1, 0]);
  assert.match(without.err, /1 deliveries would be removed.*add --yes/);
  assert.equal((await ims('queue remove')).code, 2);
  assert.deepEqual(await ims('queue remove 0-1 --yes'), { code: 0, out: '1 delivery of 1 removed.\n', err: '' });
  assert.deepEqual(emitted, ['control.action-done']);
  assert.match((await ims('queue hold --all --preview')).out, /3 deliveries would be held; nothing was changed/);
});

test('a message, its life, and what is unknown', async () => {
  assert.match((await ims('queue show 0-1')).out, /bob@example\.com +waiting +451/);
  assert.equal((await ims('queue show 0-1 --header')).out, 'Subject: x\r\n');
  assert.match((await ims('trace 0-1')).out, /ended/);
  const unknown = await ims('trace nobody@example.test');
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /nothing is known of 'nobody@example.test'/);
});

test('events are listed, and followed until Ctrl-C', async () => {
  assert.match(
    (await ims('events --number 3018')).out,
    /3018 warning {2}worker 0: only little is free\n +Free space\./,
  );
  let interrupt = (): void => undefined;
  const { code, out } = await ims('events --follow --json --most 0', {
    onInterrupt: (fn) => {
      interrupt = fn;
      const poll = (): void => (followers.size > 0 ? [...followers][0]?.(event) : nodeWorld.clock.soon(poll));
      poll();
      return () => undefined;
    },
    onOut: () => interrupt(),
  });
  assert.equal(code, 0);
  assert.equal((JSON.parse(out) as EventRecord).number, 3018);
});

test('a refused reload shows the problems', async () => {
  const { code, err } = await ims('reload');
  assert.equal(code, 1);
  assert.match(err, /ims\.yaml:1:2: error: a: is wrong/);
});

test('mailboxes are listed and shown with a service and without', async () => {
  const look = async (): Promise<void> => {
    assert.match((await ims('mailbox list')).out, /alice@example\.test +1 +0/);
    assert.match((await ims('mailbox list alice')).out, /bob@example\.com +Grüße/);
    assert.match((await ims('mailbox show alice')).out, /body/);
    assert.equal((await ims('mailbox show alcie')).code, 1);
  };
  await look();
  await server.close();
  await look();
  const { code, err } = await ims('status');
  assert.equal(code, 3);
  assert.match(
    err,
    /No service runs: there is no such socket \(.*\/run\/control\)\.\nStart it with: ims run --config .*ims\.yaml/,
  );
  await serve();
});

test('a control directory that others may enter is not used', async () => {
  chmodSync(run, 0o755);
  const refused = await serveControl({
    network: nodeWorld.network,
    disk: nodeWorld.disk,
    journal: { emit: () => undefined },
    directory: run,
    version: '1',
    run: async () => ({ ok: true, result: 1 }),
  });
  chmodSync(run, 0o700);
  assert.match(refused.ok ? '' : refused.why, /can be entered by other users \(mode 755\)/);
});

test('a second service does not take the control socket of a living one', async () => {
  const refused = await serveControl({
    network: nodeWorld.network,
    disk: nodeWorld.disk,
    journal: { emit: () => undefined },
    directory: run,
    version: '1',
    run: async () => ({ ok: true, result: 1 }),
  });
  assert.match(refused.ok ? '' : refused.why, /another service already answers/);
});

test('a service of another protocol version is never asked', async () => {
  const path = join(directory, 'old');
  const listening = await nodeWorld.network.listen({ address: path, port: 0 }, (stream) => {
    stream.start({ data: () => undefined, end: () => stream.end(), drain: () => undefined, closed: () => undefined });
    stream.write('{"ims":"control","protocol":99,"version":"9.9"}\n');
  });
  const { code, err } = await ims(`status --socket ${path}`);
  await listening.close();
  assert.equal(code, 5);
  assert.match(err, /version 9\.9 and speaks another control protocol/);
});

test('configuration commands work by themselves', async () => {
  assert.match((await ims('config check')).out, /is valid/);
  assert.match((await ims('config show --file')).out, /name: mail\.example\.test/);
  assert.match((await ims('config explain queue.spaceFloor')).out, /Default: +256MB/);
  const unknown = await ims('config explain spaceFlor');
  assert.deepEqual(
    [unknown.code, unknown.err],
    [1, 'ims: there is no key spaceFlor; did you mean queue.spaceFloor?\n'],
  );
  assert.equal((await ims('queue lits')).code, 2);
});

test('a password becomes a hash that fits it', async () => {
  const { out } = await ims('password', { input: 'correct horse\n' });
  assert.ok(await verifyPassword(out.trim(), 'correct horse'));
  assert.ok(!(await verifyPassword(out.trim(), 'wrong')));
  assert.ok(!(await verifyPassword('no hash', 'x')));
});

test('send shows the dialogue', async () => {
  const said: string[] = [];
  const listening = await nodeWorld.network.listen({ address: '127.0.0.1', port: 0 }, (stream) => {
    let inData = false;
    stream.write('220 test\r\n');
    stream.start({
      data: (chunk) => {
        const text = chunk.toString();
        said.push(text);
        if (inData && text.endsWith('\r\n.\r\n')) stream.write('250 2.0.0 taken\r\n');
        else if (!inData)
          stream.write(
            text.startsWith('EHLO')
              ? '250-test\r\n250 SIZE\r\n'
              : text.startsWith('DATA')
                ? '354 go on\r\n'
                : '250 ok\r\n',
          );
        inData = inData ? !text.endsWith('\r\n.\r\n') : text.startsWith('DATA');
      },
      end: () => stream.end(),
      drain: () => undefined,
      closed: () => undefined,
    });
  });
  const { code, out } = await ims(
    `send --server 127.0.0.1:${listening.local.port} --from a@example.com --to bob@example.test`,
  );
  await listening.close();
  assert.equal(code, 0);
  assert.match(out, /C: MAIL FROM:<a@example\.com>\nS: 250 ok\n/);
  assert.match(out, /S: 250 2\.0\.0 taken/);
  assert.ok(said.join('').includes('Subject: Test message\r\n'));
});
