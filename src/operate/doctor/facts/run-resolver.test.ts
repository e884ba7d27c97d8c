import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, RecordType, Resolver } from '../../../world/ports/resolver.ts';
import { runResolver } from './run-resolver.ts';

test('a second look asks again for what was missing, and keeps the records that came', async () => {
  const asked: string[] = [];
  const make = (): Resolver => ({
    query<T extends RecordType>(name: string, type: T): Promise<Answer<T>> {
      asked.push(`${name} ${type}`);
      const answer = name.toLowerCase().startsWith('there')
        ? { kind: 'records', records: ['192.0.2.1'], canonicalName: name, ttlSeconds: 0, authenticated: false }
        : name.startsWith('silent')
          ? { kind: 'failure', reason: 'no answer' }
          : { kind: 'no-such-name', ttlSeconds: 0, authenticated: false };
      return Promise.resolve(answer as unknown as Answer<T>);
    },
  });
  const first = runResolver(make);
  for (const name of ['There.test', 'none.test', 'silent.test']) await first.query(name, 'A');
  const second = first.afresh?.();
  assert.ok(second);
  assert.equal((await second.query('there.test', 'A')).kind, 'records');
  assert.equal((await second.query('none.test', 'A')).kind, 'no-such-name');
  assert.equal((await second.query('silent.test', 'A')).kind, 'failure');
  assert.deepEqual(asked.slice(3), ['none.test A', 'silent.test A']);
});
