import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distance, nearest } from './nearest.ts';

test('distance counts single changes, a swap as one', () => {
  assert.equal(distance('abc', 'abc'), 0);
  assert.equal(distance('lsit', 'list'), 1);
  assert.equal(distance('', 'abc'), 3);
});

test('the nearest name is found without regard to case and separators, and nothing where none is near', () => {
  const names = ['messageSizeMax', 'recipientsMax', 'timeouts', 'tls'];
  assert.equal(nearest('message_size_max', names), 'messageSizeMax');
  assert.equal(nearest('time-out', names), 'timeouts');
  assert.equal(nearest('recipient', names), 'recipientsMax');
  assert.equal(nearest('colour', names), undefined);
  assert.equal(nearest('x'.repeat(100), names), undefined);
});
