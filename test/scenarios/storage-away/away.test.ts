import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Browser } from '../../support/browser.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { greeted, sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';
import { tokenOf } from '../../support/with-console.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root to mount a file system';

let service: TestService | undefined;
let base: string | undefined;
afterEach(async () => {
  await service?.remove();
  service = undefined;
  if (base === undefined) return;
  for (const name of ['spool', 'volume'])
    try {
      execFileSync('umount', ['-l', join(base, name)], { stdio: 'ignore' });
    } catch {
      // It is not mounted now.
    }
  await rm(base, { recursive: true, force: true });
  base = undefined;
});

test('a volume that is unmounted under the service is named, costs no acknowledged mail, and is used again when it is back', {
  timeout: 60_000,
  skip,
}, async () => {
  const at = await mkdtemp(join(tmpdir(), 'ims-away-'));
  base = at;
  const [volume, spool] = [join(at, 'volume'), join(at, 'spool')];
  await mkdir(volume);
  await mkdir(spool);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300m', 'tmpfs', volume]);
  execFileSync('mount', ['--bind', volume, spool]);
  const port = await freePort();
  const more = `names: { servers: [127.0.0.1] }
queue: { spaceFloor: 1MB, spaceResume: 2MB }
`;
  const pages = await freePort();
  service = await startService(() =>
    testConfiguration({ directory: spool, ports: { mx: port }, workers: 1, more }).replace(
      'server: {',
      `server: { console: '127.0.0.1:${pages}',`,
    ),
  );
  await sendOne(port, 'alice@example.test');
  // The spool is seen at least once.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  execFileSync('umount', ['-l', spool]);
  const line = await greeted(port);
  let reply = '';
  for (const command of [
    'MAIL FROM:<sender@client.test>',
    'RCPT TO:<alice@example.test>',
    'DATA',
    'Subject: lost?\r\n\r\nx\r\n.',
  ]) {
    line.send(`${command}\r\n`);
    reply = await line.reply();
    if (!/^[23]/.test(reply)) break;
  }
  assert.match(reply, /^451 4\.3\.0 /);
  line.close();
  await service.seen(4900);
  await service.seen(4753);
  // The control socket was on the volume too: it is moved to where the command finds it.
  const status = async (): Promise<string> => (await service?.ims('status'))?.stdout ?? '';
  await until('an answer', async () => (await status()).startsWith('No mail is accepted: storage: '), 15_000);
  const stdout = await status();
  assert.match(stdout, /^No mail is accepted: storage: .*(?:not mounted|does not exist)/);
  assert.match(stdout, /cure +findmnt -T /);
  // So do the pages, with a token that needs no storage.
  const page = await new Browser(pages).logIn(await tokenOf(service));
  assert.match(page.text, /class="verdict bad">No mail is accepted: storage: [\s\S]*<pre>findmnt -T /);
  assert.deepEqual(await readdir(spool), [], 'nothing is made where the volume was');
  execFileSync('mount', ['--bind', volume, spool]);
  await service.seen(2751, 15_000);
  await service.seen(3900, 40_000);
  await sendOne(port, 'alice@example.test');
  await until('nothing of it is left', async () => /^Everything runs|^Mail is accepted/.test(await status()), 15_000);
  assert.doesNotMatch(await status(), /storage:|queue of worker 0:/);
});
