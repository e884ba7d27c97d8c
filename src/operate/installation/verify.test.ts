import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVersionAtLeast } from './verify.ts';

test('versions are compared number by number', () => {
  assert.equal(isVersionAtLeast('20.19.0', '>=20.19.0'), true);
  assert.equal(isVersionAtLeast('22.2.0', '>=20.19.0'), true);
  assert.equal(isVersionAtLeast('20.9.5', '>=20.19.0'), false);
  assert.equal(isVersionAtLeast('18.20.0', '>=20.19.0'), false);
});
