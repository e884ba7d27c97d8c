import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/processes.ts';
import { sendOne, silent } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const execute = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const FEW = ['prlimit', '--nofile=64:64'];

let service: TestService | undefined;
let sink: LedgerSink | undefined;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await service?.remove();
  await sink?.close();
  service = undefined;
  sink = undefined;
});

test('with 64 file descriptors it starts, says what there is room for, and mail passes while connections fill the rest', {
  skip: needs('prlimit'),
  timeout: 120_000,
}, async () => {
  sink = await startLedgerSink();
  const port = await freePort();
  const yaml = (directory: string): string =>
    testConfiguration({
      directory,
      ports: { mx: port },
      workers: 2,
      more: `policy: { localNetworks: [127.0.0.0/8] }
reception: { connectionsPerAddressMax: 1000 }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink?.port} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
`,
    });
  const running = await startService(yaml, undefined, FEW);
  service = running;
  const { data } = await running.seen(3802);
  assert.equal(data['limit'], 64);
  const sessions = Number(data['sessions']);
  assert.ok(sessions >= 10 && sessions <= 60, `room for ${sessions} sessions`);
  await sendOne(port, 'alice@example.test');
  const told = await Promise.all(Array.from({ length: 80 }, () => silent(port, sockets)));
  assert.ok(told.filter((line) => line.startsWith('220')).length >= sessions / 2, told.join(''));
  assert.ok(
    told.some((line) => line.startsWith('421')),
    told.join(''),
  );
  await running.seen(3201);
  for (const socket of sockets) socket.destroy();
  // For more than one: those that were just left take a moment to go.
  const room = async (): Promise<boolean> => {
    const said = await Promise.all(Array.from({ length: 5 }, () => silent(port, sockets)));
    for (const socket of sockets) socket.destroy();
    return said.every((line) => line.startsWith('220'));
  };
  await until('room again', room, 20_000);
  for (let n = 0; n < 30; n += 1) await sendOne(port, `far${n}@far.test`);
  const { arrivals } = sink;
  await until('all of them', () =>
    Array.from({ length: 30 }, (_, n) => arrivals.get(`far${n}@far.test`)).every((n) => n === 1),
  );
  const words = ['--config', running.configuration];
  const [program = '', ...rest] = [...FEW, process.execPath, MAIN];
  const status = await execute(program, [...rest, 'status', ...words]).catch((error: { stdout: string }) => error);
  assert.match(status.stdout, /file descriptors[\s\S]*RLIMIT_NOFILE/);
  for (const asked of [['doctor'], ['repair', '--preview'], ['kb', '3802'], ['queue', 'list']]) {
    const said = await execute(program, [...rest, ...asked, ...(asked[0] === 'kb' ? [] : words)]).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    assert.doesNotMatch(said.stdout + said.stderr, /EMFILE|ExperimentalWarning/, asked.join(' '));
  }
});
