import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { needs, programPath } from '../../support/needs.ts';
import { runProgram, until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';
import { type SmtpSink, startSmtpSink, type SunkMessage } from '../../support/smtp-sink.ts';

const skip = needs('smtp-source', 'smtp-sink');
const SOURCE = programPath('smtp-source') ?? '';
const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

interface Stage {
  readonly service: TestService;
  readonly sink: SmtpSink;
  readonly port: number;
}

/** A service that relays sink.test to an smtp-sink. */
async function stage(workers: number, protocol: 'smtp' | 'lmtp' = 'smtp'): Promise<Stage> {
  const port = await freePort();
  let where: { port: number } | { path: string } = { port: await freePort() };
  if (protocol === 'lmtp') {
    const directory = await mkdtemp(join(tmpdir(), 'ims-lmtp-'));
    closing.push(() => rm(directory, { recursive: true, force: true }));
    where = { path: join(directory, 'socket') };
  }
  const sink = await startSmtpSink(where, protocol === 'lmtp' ? ['-L'] : []);
  closing.push(() => sink.close());
  const host = 'path' in where ? `host: ${where.path}` : `host: 127.0.0.1, port: ${where.port}`;
  const service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx: port },
      workers,
      more: `routing:
  relayDomains: [sink.test]
  smartHosts: { sink: { hosts: [{ ${host} }], protocol: ${protocol}, tls: none } }
  addressSpaces: [{ match: sink.test, via: sink }]
`,
    }),
  );
  closing.push(() => service.remove());
  return { service, sink, port };
}

/** Runs smtp-source, which gives every recipient a number of its own. */
async function source(port: number, options: readonly string[]): Promise<void> {
  const { code, output } = await runProgram(SOURCE, [
    '-N',
    '-f',
    'from@far.test',
    '-t',
    'u@sink.test',
    ...options,
    `127.0.0.1:${port}`,
  ]);
  assert.equal(code, 0, output);
  assert.equal(output, '');
}

/** Waits until every number arrived, and says that each did once. */
async function arrived({ sink, service }: Stage, recipients: number, most = recipients): Promise<SunkMessage[]> {
  let there = 0;
  const everything = await until(
    () => `${recipients} recipients, but ${there}`,
    async () => {
      const now = await sink.messages();
      there = now.reduce((sum, message) => sum + message.recipients.length, 0);
      return there >= recipients && now;
    },
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}; in the queue: ${(await service.ims('queue', 'list')).stdout}`);
  });
  const seen = everything.flatMap((message) => message.recipients);
  assert.equal(new Set(seen).size, recipients, 'each recipient');
  assert.equal(seen.length, recipients, 'none twice');
  assert.ok(everything.length <= most, `${everything.length} transactions`);
  return everything;
}

const xs = (content: string): string => content.slice(content.indexOf('\n\n') + 2);

for (const workers of [1, 2]) {
  test(`smtp-source, ${workers} workers, smtp-sink: every message arrives once and unchanged`, { skip }, async () => {
    const where = await stage(workers);
    assert.equal((await where.service.workers()).length, workers);
    await source(where.port, ['-s', '20', '-m', '200', '-l', '4096']);
    const small = await arrived(where, 200);
    // Every line of smtp-source's body is of X, the first characters of it a line number.
    for (const { content } of small) assert.match(xs(content), /^(?:\d*X*\n)+$/);
    assert.equal(new Set(small.map(({ content }) => xs(content))).size, 1);
  });
}

test('many messages over one session each, with several recipients, of several sizes', { skip }, async () => {
  const where = await stage(2);
  const { sink, port } = where;
  await source(port, ['-d', '-s', '5', '-m', '100', '-r', '4', '-l', '300']);
  await arrived(where, 400, 100);
  await source(port, ['-s', '3', '-m', '6', '-l', '2000000']);
  const all = await until('the large ones', async () => {
    const now = await sink.messages();
    const large = now.filter(({ content }) => content.length > 1_900_000 && content.endsWith('X\n\n'));
    return large.length >= 6 && large;
  });
  assert.equal(new Set(all.map(({ content }) => xs(content))).size, 1);
});

test('LMTP over a UNIX socket into smtp-sink: one reply a recipient', { skip }, async () => {
  const where = await stage(1, 'lmtp');
  const { port, service } = where;
  await source(port, ['-s', '4', '-m', '20', '-r', '5']);
  await arrived(where, 100);
  await until('an empty queue', async () => {
    const { stdout } = await service.ims('--json', 'queue', 'list');
    return (JSON.parse(stdout) as { total: number }).total === 0;
  });
});
