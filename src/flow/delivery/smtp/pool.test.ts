import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelayConnection } from './connection.ts';
import { ConnectionPool } from './pool.ts';

function session(): { connection: RelayConnection; quits: () => number } {
  let quits = 0;
  const parts = { ready: true, transactions: 1, peer: {}, quit: () => (quits += 1) };
  return { connection: parts as unknown as RelayConnection, quits: () => quits }; // the parts that the pool touches
}

test('an idle session to another host of a next hop makes room for a new one, those of other next hops stay', () => {
  const pool = new ConnectionPool();
  const [first, second, other] = [session(), session(), session()];
  pool.give('mx:a.test\0host1', first.connection, 100);
  pool.give('mx:a.test\0host2', second.connection, 100);
  pool.give('mx:b.test\0host1', other.connection, 100);
  pool.makeRoom('mx:a.test\0host3');
  assert.deepEqual([first.quits(), second.quits(), other.quits(), pool.size], [1, 0, 0, 2]);
  assert.equal(pool.take('mx:a.test\0host2'), second.connection);
  pool.makeRoom('mx:a.test\0host3');
  assert.deepEqual([second.quits(), pool.size], [0, 1]);
});
