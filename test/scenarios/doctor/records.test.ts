import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { recordsIntact } from '../../../src/operate/doctor/checks/queue-records.ts';
import { headerBytes, readHeader, recordLength } from '../../../src/flow/queue/log/format.ts';
import { HintBuilder } from '../../../src/flow/queue/log/hints.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import { lookWith, settingsOf } from '../../support/doctor-parts.ts';
import { fillQueue } from '../../support/filled-queue.ts';

let data = '';
let shard = '';
let segment = '';

before(async () => {
  data = await mkdtemp(join(tmpdir(), 'ims-records-'));
  shard = join(data, 'queue/0');
  await nodeWorld.disk.makeDirectory(shard);
  await fillQueue(shard, 200, 2000, (n) => ({
    nextHop: 'mx:slow.test',
    recipient: { localPart: `r${n}`, domain: 'slow.test' },
    dueAtMs: Date.now() + 3_600_000,
  }));
  const names = (await readdir(shard)).filter((name) => name.endsWith('.log'));
  segment = join(shard, names[0] ?? '');
});

after(() => rm(data, { recursive: true }));

const look = () =>
  lookWith(recordsIntact, {
    settings: settingsOf(`server: { name: mail.example.test, data: ${data} }\n`),
    more: { disk: nodeWorld.disk },
  });

async function change(offset: number): Promise<() => Promise<void>> {
  const file = await open(segment, 'r+');
  const old = Buffer.alloc(4);
  await file.read(old, 0, 4, offset);
  await file.write(Buffer.from('harm'), 0, 4, offset);
  return async () => {
    await file.write(old, 0, 4, offset);
    await file.close();
  };
}

test('a queue as it was written is well, and one without sealed files has nothing to look at', async () => {
  const verdict = await look();
  assert.equal(verdict.kind, 'healthy', JSON.stringify(verdict));
  assert.ok(verdict.evidence.some(({ what, seen }) => what === 'records looked at' && Number(seen) > 0));
});

test('a record that has changed, another head, and a file that was cut short are damage, with file and place', async () => {
  const mendRecord = await change(headerBytes + 300);
  const record = await look();
  await mendRecord();
  assert.ok(record.kind === 'unhealthy', JSON.stringify(record));
  assert.match(record.cause, /0000000\d+\.log is damaged at octet 64: a record has changed since it was written/);
  assert.equal(record.event, 4303);
  const mendHead = await change(8);
  const head = await look();
  await mendHead();
  assert.match(head.kind === 'unhealthy' ? head.cause : '', /octet 0: its head is not that of a queue file/);
  assert.equal((await look()).kind, 'healthy');
});

test('the rest of a cut record is told with event 3302, and what shows it', async () => {
  await writeFile(`${segment}.cut`, 'x');
  const verdict = await look();
  await rm(`${segment}.cut`);
  assert.ok(verdict.kind === 'unhealthy' && verdict.event === 3302);
  assert.match(verdict.cure, /ims repair queue\.cut-records --preview/);
});

test('a place that the last start could not read is told until the file is gone', async () => {
  const path = segment.replace(/log$/, 'hint');
  const whole = await readFile(path);
  const log = await readFile(segment);
  const hint = new HintBuilder();
  for (let [at, count] = [headerBytes, 0]; count < 5; count += 1) {
    const header = readHeader(log, at, Number(/(\d+)\.log$/.exec(segment)?.[1]));
    assert.ok(header !== undefined);
    const length = recordLength(header);
    if (count !== 2) hint.add(at, length, log.subarray(at), header.indexBytes);
    at += length;
  }
  await writeFile(path, Buffer.concat(hint.finish()));
  const verdict = await look();
  await writeFile(path, whole);
  assert.match(verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind, /the last start found records there/);
});

test('a file that was truncated is told; one that is not sealed is left to the start', async () => {
  await truncate(segment, 100_000);
  const verdict = await look();
  assert.match(verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind, /: the file is truncated/);
  await rm(segment.replace(/log$/, 'hint'));
  assert.equal((await look()).kind, 'healthy');
});
