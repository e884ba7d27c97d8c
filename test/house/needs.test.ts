import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { needs } from '../support/needs.ts';

const { PATH, IMS_TESTS_NOTHING_SKIPPED } = process.env;

afterEach(() => {
  process.env['PATH'] = PATH;
  if (IMS_TESTS_NOTHING_SKIPPED === undefined) delete process.env['IMS_TESTS_NOTHING_SKIPPED'];
  else process.env['IMS_TESTS_NOTHING_SKIPPED'] = IMS_TESTS_NOTHING_SKIPPED;
});

test('a missing program is a reason to skip that names its package, or a failure where nothing may be skipped', () => {
  process.env['PATH'] = '/nowhere';
  delete process.env['IMS_TESTS_NOTHING_SKIPPED'];
  const sentence = 'needs swaks, strace: apt-get install --no-install-recommends swaks strace';
  assert.equal(needs('swaks', 'strace'), sentence);
  process.env['IMS_TESTS_NOTHING_SKIPPED'] = '1';
  assert.throws(() => needs('swaks', 'strace'), { message: sentence });
});

test('a program that no package brings is a mistake of the test', () => {
  assert.throws(() => needs('no-such-program'), /does not list no-such-program/);
});
