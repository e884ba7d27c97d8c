/** A user who may have fewer processes and threads than the service needs: said once, with the cause; over by itself when it is over. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const UID = 47_866;
const FEW = 30;
const ENOUGH = 1000;
const STARTS = 1002;
const HUNG = 4800;
/** The limit stands in a file: a service starts without it, and again with it. */
const BECOME = ['--reuid', String(UID), '--regid', String(UID), '--clear-groups'];
const AS_USER = `chown -R ${UID} . && exec prlimit --nproc=$(cat limit 2>/dev/null || echo ${ENOUGH}): setpriv ${BECOME.join(' ')} "$@"`;

let service: TestService | undefined;
afterEach(async () => {
  await service?.remove();
  service = undefined;
});

test('with thirty processes allowed each failing process is told once with the limit, and comes back by itself', {
  skip: process.getuid?.() === 0 ? needs('prlimit', 'setpriv') : 'only root may become another user',
  timeout: 240_000,
}, async () => {
  const port = await freePort();
  const yaml = (directory: string): string => testConfiguration({ directory, ports: { mx: port }, workers: 1 });
  const running = await startService(yaml, undefined, ['sh', '-c', AS_USER, 'sh']);
  service = running;
  await running.stop();
  writeFileSync(join(running.directory, 'limit'), String(FEW));
  await running.restart(STARTS);
  const failing = (): typeof running.events => running.events.filter(({ event }) => event === 4866);
  // Where the last threads go to both at once each may stand still before its first word, and is ended for that.
  await until('both are told', () => failing().length === 2, 120_000);
  assert.match(failing()[0]?.text ?? '', /may have 30 processes and threads \(RLIMIT_NPROC.*LimitNPROC=/);
  // The wait between two tries has grown to its longest by then: it is tried on, and nothing is said.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const told = running.events
    .filter(({ event }) => event >= 3000 && event !== HUNG)
    .map(({ event, data }) => `${event} ${String(data['role'])}`);
  assert.deepEqual(told.sort(), ['3800 operator', '3800 worker', '4866 operator', '4866 worker']);
  execFileSync('setpriv', [...BECOME, 'prlimit', '--pid', String(running.pid), `--nproc=${ENOUGH}:`]);
  await running.seen(1000, 40_000);
  await until('both work', () => running.events.filter(({ event }) => event === 2866).length === 2, 20_000);
  await sendOne(port, 'alice@example.test');
});
