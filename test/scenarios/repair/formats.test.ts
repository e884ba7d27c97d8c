/** A data directory of an earlier, and of a newer version, under the real service. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { projectRoot } from '../../support/root.ts';
import { freePort, startService } from '../../support/service.ts';

const FIXTURES = join(projectRoot, 'test/fixtures/formats');
/** A version before there were registers wrote it: one message for a domain whose name servers do not answer. */
const EARLIEST = join(FIXTURES, '0');
const SUBJECT = 'kept over an upgrade';

test('what the earliest format holds is there after an upgrade, and the register says what it is (event 2975)', async () => {
  const mx = await freePort();
  const service = await startService((directory) =>
    testConfiguration({ directory, ports: { mx }, workers: 1, more: "names: { servers: ['127.0.0.1:9'] }\n" }),
  );
  try {
    await service.stop();
    const data = join(service.directory, 'data');
    await rm(data, { recursive: true });
    await cp(EARLIEST, data, { recursive: true });
    await service.restart();
    const told = service.events.filter(({ event }) => event === 2975).map(({ data: of }) => of['part']);
    assert.deepEqual(told.sort(), ['events', 'queue', 'timeline']);
    const register = JSON.parse(await readFile(join(data, 'formats.json'), 'utf8')) as {
      parts: Record<string, number>;
    };
    assert.equal(register.parts['queue'], 1);
    const list = await service.ims('queue', 'list', '--json');
    assert.match(list.stdout, /elsewhere\.test/);
    const id = /"queueId": "([^"]+)"/.exec(list.stdout)?.[1] ?? '';
    const shown = await service.ims('queue', 'show', id, '--headers');
    assert.ok(shown.stdout.includes(SUBJECT) || list.stdout.includes(id));
    const before = service.events.length;
    await service.stop();
    await service.restart();
    assert.ok(before > 0 && !service.events.some(({ event }) => event === 2975));
  } finally {
    await service.remove();
  }
});

test('a newer format keeps the listeners closed and is named; once it is gone the service runs by itself (event 4972)', async () => {
  const mx = await freePort();
  const service = await startService((directory) => testConfiguration({ directory, ports: { mx }, workers: 1 }));
  try {
    await service.stop();
    const register = join(service.directory, 'data/formats.json');
    const own = await readFile(register, 'utf8');
    const newer = own.replace('"events": 1', '"events": 7').replace(/"writtenBy": "[^"]*"/, '"writtenBy": "9.0.0"');
    await writeFile(register, newer);
    const restarted = service.restart();
    restarted.catch(() => undefined);
    const event = await service.seen(4972, 20_000);
    assert.match(event.text, /formats\.json says that events is of format 7; this version reads up to format 1/);
    assert.equal(await readFile(register, 'utf8'), newer);
    const doctor = await service.ims('doctor', '--only', 'storage.formats', '--json');
    assert.match(doctor.stdout, /version 9\.0\.0 wrote it/);
    await writeFile(register, own);
    await service.seen(1000, 20_000);
    await stat(register);
    await restarted;
    await service.stop();
    for (const sign of [`${service.configuration}.spool`, join(service.directory, 'data/spool')]) {
      const known = await readFile(sign, 'utf8');
      await writeFile(sign, known.replace('format 1', 'format 3'));
      await service.restart(4972);
      const { text } = await service.seen(4972);
      assert.equal(text, `${sign} says that spool is of format 3; this version reads up to format 1`);
      const look = await service.ims('doctor', '--only', 'storage.formats', '--json');
      assert.match(look.stdout, /has format 3, and this version knows formats up to 1/);
      await writeFile(sign, known);
      await service.seen(1000, 20_000);
      await service.stop();
    }
  } finally {
    await service.remove();
    await mkdir(service.directory, { recursive: true });
    await rm(service.directory, { recursive: true, force: true });
  }
});
