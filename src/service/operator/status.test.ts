import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartState } from '../../operate/actions/context.ts';
import { serviceStatus } from './status.ts';

const worker = { role: 'worker' as const, index: 0, pid: 7, state: 'ready' as const, restarts: 0, sinceMs: 1 };
const statusOf = (parts: readonly PartState[]) =>
  serviceStatus(
    { startedAtMs: 1, configuration: '/ims.yaml', generation: 1, parts, processes: [worker], listeners: [] },
    [],
  );

test('where every process runs and the storage does not work, the doctor is told what fails', () => {
  const storage = { part: 'storage', state: 'failed' as const, sinceMs: 1, cause: 'the volume is gone' };
  const proxy = { part: 'proxy p', state: 'failed' as const, sinceMs: 1, cause: 'it is down' };
  assert.deepEqual(statusOf([storage, proxy]).degraded, [{ part: 'storage', why: 'the volume is gone' }]);
  assert.deepEqual(statusOf([{ ...storage, state: 'running' }]).degraded, []);
});

test('a worker that does not react is down, with why', () => {
  const silent = { part: 'worker 0', state: 'failed' as const, sinceMs: 1, cause: 'it has not reacted for 20 s' };
  const [shown] = statusOf([silent]).processes;
  assert.deepEqual([shown?.state, shown?.why], ['down', 'it has not reacted for 20 s']);
});
