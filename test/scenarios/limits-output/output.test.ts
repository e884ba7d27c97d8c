import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { family, familyPss, until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const MB = 1024 ** 2;

test('standard output that nobody reads neither blocks the service nor makes it grow', {
  timeout: 120_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ims-'));
  const port = await freePort();
  const file = join(directory, 'ims.yaml');
  await writeFile(
    file,
    testConfiguration({
      directory,
      ports: { mx: port },
      workers: 1,
      more: 'events: { levels: { smtp-dialogue: maximum } }\nreception: { errorsMax: 1000 }\n',
    }),
  );
  // The pipe is never read: after 64 KB it takes no more.
  const child = spawn(process.execPath, [MAIN, 'run', '--config', file], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    await until(
      'mail taken',
      () =>
        sendOne(port, 'alice@example.test').then(
          () => true,
          () => false,
        ),
      20_000,
    );
    assert.ok(child.pid !== undefined);
    const flood = async (): Promise<void> => {
      for (let session = 0; session < 20; session += 1) {
        const line = await SmtpLine.open(port);
        await line.expect(220);
        for (let n = 0; n < 200; n += 1) {
          line.send('NONSENSE that is refused and told\r\n');
          await line.reply();
        }
        line.close();
      }
    };
    await flood();
    const before = await familyPss(child.pid);
    for (let round = 0; round < 5; round += 1) await flood();
    const grown = (await familyPss(child.pid)) - before;
    console.log(
      `# grown by ${(grown / MB).toFixed(1)} MB over 20,000 refused commands, ${(await family(child.pid)).length} processes`,
    );
    assert.ok(grown < 24 * MB, `${grown} octets`);
    const started = performance.now();
    await sendOne(port, 'alice@example.test');
    assert.ok(performance.now() - started < 1_000);
    child.kill('SIGTERM');
    const stopped = performance.now();
    assert.equal(await ended, 0);
    assert.ok(performance.now() - stopped < 10_000);
  } finally {
    child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
});
