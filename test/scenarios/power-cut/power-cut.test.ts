import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seeded } from '../../contracts/clock.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { needs } from '../../support/needs.ts';
import { RecordedDisk, type RecordedSync, type Unsynced } from '../../support/recorded-disk.ts';
import { compileRecorder, readRecording, type RecordedCall } from '../../support/recorded-writes.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';
import { findAll, readMailboxes } from './found.ts';
import { checkPromises, type Findings, type Ledger, noFindings } from './promises.ts';
import { ACCEPTED, fateOf, nextHopAnswer, queueIdOf, sendTraffic, type SentMessage } from './traffic.ts';

const MESSAGES = 600;
const SESSIONS = 20;
const CUTS = 48;
const WORKERS = 2;

const without = needs('cc', 'libc6-dev');

function configuration(directory: string, port: number, sinkPort: number): string {
  return testConfiguration({
    directory,
    ports: { mx: port },
    workers: WORKERS,
    more: `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sinkPort} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
scheduler: { normal: { first: 1s, longest: 2s } }
`,
  });
}

/** Waits until every recipient has ended as it must, or the time is over; returns what is missing. */
async function everythingEnded(
  sent: readonly SentMessage[],
  taken: () => ReadonlySet<string>,
  data: string,
): Promise<string[]> {
  let missing: string[] = [];
  for (let tries = 0; tries < 150; tries += 1) {
    const mailboxes = readMailboxes(data);
    const copies = new Set(mailboxes.map(({ queueId, mailbox }) => `${queueId} ${mailbox}`));
    const reports = mailboxes
      .filter(({ content }) => content.includes('Final-Recipient'))
      .map(({ content }) => content)
      .join('');
    missing = sent.flatMap(({ name, queueId, recipients }) =>
      recipients
        .filter((recipient) => {
          const fate = fateOf(recipient);
          if (fate === 'maildir') return !copies.has(`${queueId} ${recipient}`);
          return fate === 'taken' ? !taken().has(recipient) : !reports.includes(recipient);
        })
        .map((recipient) => `${name} for ${recipient}`),
    );
    if (missing.length === 0) break;
    await sleep(200);
  }
  return missing;
}

const SMALL_SEGMENTS = fileURLToPath(new URL('./small-segments-main.js', import.meta.url));

describe('a power cut', { skip: without }, () => powerCuts(undefined));
describe('a power cut where segments are filled, compacted and used again', { skip: without }, () =>
  powerCuts(SMALL_SEGMENTS),
);

/** The tests, on a service that is started by this entry. */
function powerCuts(entry: string | undefined): void {
  let base: string;
  let service: TestService;
  let sink: RecordingSink;
  let calls: RecordedCall[];
  let ledger: Ledger;
  let firstNs: number;
  let lastNs: number;

  before(record, { timeout: 100_000 });
  after(async () => {
    await service?.remove();
    await sink?.close();
    await rm(base, { recursive: true, force: true });
  });

  /** Runs the service under the recorder until all of its mail has ended. */
  async function record(): Promise<void> {
    base = await mkdtemp(join(tmpdir(), 'ims-power-'));
    await chmod(base, 0o755); // the service's own user loads the library from here
    const records = join(base, 'records');
    await mkdir(records);
    await chmod(records, 0o777);
    const recorded = await compileRecorder(join(base, 'record-writes.so'));
    sink = await startRecordingSink({ answer: nextHopAnswer() });
    const port = await freePort();
    const usual = { ...process.env };
    try {
      service = await startService((directory) => {
        Object.assign(process.env, recorded({ below: directory, into: records, replies: ACCEPTED }));
        return configuration(directory, port, sink.port);
      }, entry);
    } finally {
      for (const name of Object.keys(process.env)) if (usual[name] === undefined) delete process.env[name];
      Object.assign(process.env, usual);
    }
    const sent = await sendTraffic(port, MESSAGES, SESSIONS);
    const data = join(service.directory, 'data');
    assert.deepEqual(await everythingEnded(sent, () => new Set(sink.messages.flatMap(({ to }) => to)), data), []);
    await service.stop();
    calls = readRecording(records);
    const acknowledgedNs = new Map<string, number>();
    for (const call of calls) if (call.kind === 'said') acknowledgedNs.set(queueIdOf(call.text) ?? '', call.beganNs);
    ledger = { sent, acknowledgedNs, taken: sink.messages };
    assert.equal(acknowledgedNs.size, MESSAGES, 'every acknowledgement is recorded');
    const recycled = calls.filter((call) => call.kind === 'renamed' && call.to.endsWith('.free')).length;
    assert.ok(entry === undefined || recycled > 10, `${recycled} segments are used again`);
    firstNs = Math.min(...acknowledgedNs.values());
    lastNs = calls.at(-1)?.returnedNs ?? 0;
  }

  /** A moment: somewhere, or right at the end of a call, or right when a message was acknowledged. */
  function moment(chance: () => number): number {
    const dice = chance();
    if (dice < 0.3) return firstNs + chance() * (lastNs - firstNs);
    if (dice < 0.7) return calls[Math.floor(chance() * calls.length)]?.returnedNs ?? lastNs;
    const times = [...ledger.acknowledgedNs.values()];
    return times[Math.floor(chance() * times.length)] ?? lastNs;
  }

  /** Cuts the power at moments that seeds decide and checks everything found each time. */
  async function cutsOf(
    disk: RecordedDisk,
    seeds: readonly number[],
    unsynced: (seed: number) => Unsynced,
  ): Promise<Findings> {
    const all = noFindings();
    for (const seed of seeds) {
      const random = seeded(seed);
      const target = join(base, `cut-${seed}`);
      const atNs = moment(() => random.fraction());
      const wrong = noFindings();
      try {
        disk.rebuild(target, { atNs, unsynced: unsynced(seed), chance: () => random.fraction() });
        const found = await findAll(join(target, 'data'));
        checkPromises(ledger, found, atNs, wrong);
        const where = `seed ${seed}, ${unsynced(seed)}, ${Math.round((atNs - firstNs) / 1e6)} ms: `;
        for (const kind of ['lost', 'corrupt', 'reportsLost', 'reportsDoubled'] as const)
          all[kind].push(...wrong[kind].map((what) => where + what));
        all.corrupt.push(...found.complaints.map((what) => where + what));
        all.checked += wrong.checked;
      } finally {
        await rm(target, { recursive: true, force: true });
      }
    }
    return all;
  }

  const seeds = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
  const UNSYNCED: readonly Unsynced[] = ['lost', 'by chance', 'by chance', 'kept'];

  test(`loses, corrupts and doubles nothing at ${CUTS} moments`, { timeout: 300_000 }, async () => {
    const found = await cutsOf(
      new RecordedDisk(service.directory, calls),
      seeds(CUTS),
      (seed) => UNSYNCED[seed % UNSYNCED.length] ?? 'lost',
    );
    console.log(
      `# ${CUTS} cuts: ${found.checked} acknowledged checked, ${found.lost.length} lost, ${found.corrupt.length} corrupt`,
    );
    for (const kind of ['lost', 'corrupt', 'reportsLost', 'reportsDoubled'] as const)
      assert.deepEqual(found[kind].slice(0, 10), [], kind);
    assert.ok(found.checked > CUTS * 50, `${found.checked} checked`);
  });

  test('everything comes to its end when the power is back', { timeout: 200_000 }, async () => {
    for (const seed of [101, 102]) {
      const random = seeded(seed);
      const times = [...ledger.acknowledgedNs.values()].sort((a, b) => a - b);
      const atNs = times[Math.floor((0.2 + 0.7 * random.fraction()) * times.length)] ?? lastNs;
      const again = await startRecordingSink({ answer: nextHopAnswer() });
      const port = await freePort();
      const disk = new RecordedDisk(service.directory, calls);
      const second = await startService((directory) => {
        disk.rebuild(directory, { atNs, unsynced: 'by chance', chance: () => random.fraction() });
        return configuration(directory, port, again.port);
      }, entry);
      try {
        const data = join(second.directory, 'data');
        const acknowledgedNs = new Map([...ledger.acknowledgedNs].filter(([, ns]) => ns <= atNs));
        const promised = ledger.sent.filter(({ queueId = '' }) => acknowledgedNs.has(queueId));
        const before = ledger.taken.filter(({ takenAtNs }) => takenAtNs <= atNs);
        const taken = (): ReadonlySet<string> => new Set([...before, ...again.messages].flatMap(({ to }) => to));
        assert.deepEqual(await everythingEnded(promised, taken, data), [], `seed ${seed}`);
        await second.stop();
        const wrong = noFindings();
        const all = { sent: ledger.sent, acknowledgedNs, taken: [...before, ...again.messages] };
        checkPromises(all, await findAll(data), Number.POSITIVE_INFINITY, wrong);
        assert.deepEqual(wrong, { ...noFindings(), checked: promised.length }, `seed ${seed}`);
        console.log(
          `# seed ${seed}: ${promised.length} acknowledged, ${again.messages.length} messages taken after the cut`,
        );
      } finally {
        await second.remove();
        await again.close();
      }
    }
  });

  const controls: ReadonlyArray<readonly [what: string, left: (sync: RecordedSync) => boolean]> = [
    ['all syncs', () => true],
    ['fdatasync of files', ({ directory }) => !directory],
    ['syncs of segments', ({ path }) => /\/\d+\.(log|free)$/.test(path)],
    ['syncs of large contents', ({ path, directory }) => !directory && path.includes('/big/')],
    ['syncs of directories', ({ directory }) => directory],
    ['syncs of the directory of large contents', ({ path }) => path.endsWith('/big')],
    ['syncs of files of Maildirs', ({ path, directory }) => !directory && path.includes('/mail/')],
    ['syncs of the directories of Maildirs', ({ path }) => path.endsWith('/new')],
  ];
  for (const [what, left] of entry === undefined ? controls : controls.slice(2, 3)) {
    test(`is noticed with ${what} left out`, { timeout: 100_000 }, async () => {
      const disk = new RecordedDisk(service.directory, calls, (sync) => !left(sync));
      const { lost, corrupt, reportsLost, checked } = await cutsOf(disk, seeds(4), () => 'lost');
      console.log(
        `# ${what} left out: ${checked} acknowledged checked, ${lost.length} lost, ${corrupt.length} corrupt, ${reportsLost.length} reports lost`,
      );
      assert.ok(lost.length + corrupt.length > 0, 'the control finds nothing');
    });
  }
}
