/** A worker that is stopped from outside (SIGSTOP) is shown within seconds, told once, ended and started again. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService | undefined;
afterEach(async () => {
  await service?.remove();
  service = undefined;
});

test('a worker that was stopped is in the status within seconds, told once and started again', {
  timeout: 150_000,
}, async () => {
  const port = await freePort();
  const running = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 1 }));
  service = running;
  const [worker] = await running.workers();
  assert.ok(worker !== undefined);
  process.kill(worker, 'SIGSTOP');
  const status = async (): Promise<string> => (await running.ims('status')).stdout;
  await until('the status says it', async () => /worker 0: it has not reacted for/.test(await status()), 30_000);
  const shown = await status();
  assert.match(shown, /^No mail is accepted: worker 0: it has not reacted for \d+ s/);
  assert.match(shown, /kill -CONT/);
  assert.match(shown, /No answer: worker 0: worker 0 has not reacted/, 'and nobody waits for it');
  await running.seen(4800, 70_000);
  await running.seen(3800, 20_000);
  await sendOne(port, 'alice@example.test');
  assert.equal(running.events.filter(({ event }) => event === 4800).length, 1);
});
