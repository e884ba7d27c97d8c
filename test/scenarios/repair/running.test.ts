/** Repairs of a service that runs: what was mended is well at once, and mail that was set aside goes on or goes back. */
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const CRASHING = fileURLToPath(new URL('../service-crashes/crashing-main.js', import.meta.url));
const MENDED = 'IMS_TEST_MENDED';

let service: TestService | undefined;
afterEach(async () => {
  delete process.env[MENDED];
  await service?.remove();
  service = undefined;
});

interface Status {
  readonly conditions: readonly { readonly check: string }[];
}
interface Repaired {
  readonly outcomes: readonly { readonly kind: string; readonly text: string; readonly steps?: readonly string[] }[];
}

const conditionsOf = async (of: TestService): Promise<readonly string[]> =>
  (JSON.parse((await of.ims('status', '--json')).stdout) as Status).conditions.map(({ check }) => check);

async function repair(of: TestService, ...words: string[]): Promise<Repaired['outcomes']> {
  const { stdout, stderr } = await of.ims('repair', ...words, '--json');
  assert.ok(stdout.startsWith('{'), stdout + stderr);
  return (JSON.parse(stdout) as Repaired).outcomes;
}

async function commandEvents(directory: string): Promise<string> {
  const folder = join(directory, 'data/events/command');
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('');
}

test('what a repair mended is no condition any more when it ends, and was told once', { timeout: 60_000 }, async () => {
  const mx = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx }, workers: 1 }));
  const of = service;
  const queue = join(service.directory, 'data/queue');
  await chmod(queue, 0o755);
  await until('the condition', async () => (await conditionsOf(of)).includes('storage.private'), 30_000);
  assert.equal((await repair(of, 'storage.private', '--yes'))[0]?.kind, 'cured');
  assert.deepEqual(await conditionsOf(of), []);
  const told = of.events.filter(({ data }) => data['check'] === 'storage.private').map(({ event }) => event);
  assert.deepEqual(told, [3960, 2960]);
});

/** A service in whose queue one message of bob is set aside. */
async function withOneSetAside(): Promise<TestService> {
  const mx = await freePort();
  const started = await startService((directory) => {
    process.env[MENDED] = join(directory, 'mended');
    return testConfiguration({ directory, ports: { mx }, workers: 1 });
  }, CRASHING);
  service = started;
  await sendOne(mx, 'bob@example.test', 'deadly').catch(() => undefined); // the worker crashes below it
  await started.seen(4300, 60_000);
  await until('a worker', async () => (await started.ims('status')).stdout.startsWith('Mail is accepted'), 30_000);
  return started;
}

test('what crashed a worker twice is shown, tried again only by name, and delivered (event 4300)', {
  timeout: 120_000,
}, async () => {
  const of = await withOneSetAside();
  const all = await repair(of, 'queue.room', '--yes');
  assert.equal(all[0]?.kind, 'person');
  assert.match(all[0]?.text ?? '', /ims repair queue\.quarantine --preview/);
  const [planned] = await repair(of, 'queue.quarantine', '--preview');
  assert.equal(planned?.kind, 'planned');
  assert.match(planned?.steps?.[0] ?? '', /^try again 0-\S+ from \S+@\S+ to bob@example\.test \(local/);
  await writeFile(join(of.directory, 'mended'), '');
  const [done] = await repair(of, 'queue.quarantine', '--yes');
  assert.equal(done?.kind, 'cured', JSON.stringify(done));
  await until('the message', async () => {
    const box = await readdir(join(of.directory, 'data/mail/example.test/bob/new')).catch(() => []);
    return box.length === 1;
  });
  const events = await commandEvents(of.directory);
  assert.match(events, /"event":2971.*try again 0-/);
  assert.equal((await repair(of, 'queue.quarantine', '--yes'))[0]?.kind, 'nothing');
});

test('what was set aside is returned to its sender, and said to be for good', { timeout: 120_000 }, async () => {
  const of = await withOneSetAside();
  const [planned] = await repair(of, 'queue.return-quarantined', '--preview');
  assert.match(planned?.text ?? '', /CANNOT BE UNDONE/);
  const [done] = await repair(of, 'queue.return-quarantined', '--yes');
  assert.equal(done?.kind, 'cured', JSON.stringify(done));
  const left = await of.ims('queue', 'list', '--held', '--json');
  assert.doesNotMatch(left.stdout, /bob@example\.test/);
});

test('the rest of a cut record is shown with its addresses, removed on request, and kept in the snapshot (event 3302)', {
  timeout: 60_000,
}, async () => {
  const mx = await freePort();
  service = await startService((directory) => testConfiguration({ directory, ports: { mx }, workers: 1 }));
  const rest = join(service.directory, 'data/queue/0/0000000007.log.cut');
  await writeFile(rest, '\0\0[["alice","example.test"]] From: alice@example.test\r\n');
  const [asked] = await repair(service, '3302', '--yes');
  assert.equal(asked?.kind, 'person');
  await stat(rest);
  const [planned] = await repair(service, 'queue.cut-records', '--preview');
  assert.match(planned?.text ?? '', /alice@example\.test/);
  const [done] = await repair(service, 'queue.cut-records', '--yes');
  assert.equal(done?.kind, 'cured', JSON.stringify(done));
  await assert.rejects(stat(rest));
});
