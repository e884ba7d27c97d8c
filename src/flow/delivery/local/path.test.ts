import assert from 'node:assert/strict';
import { join, normalize } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { PATH_COMPONENT_BYTES_MAX } from '../limits.ts';
import { pathComponent } from './path.ts';

test('ordinary names stay as they are', () => {
  assert.equal(pathComponent('0-3k9f_12.0_1'), '0-3k9f_12.0_1');
});

for (const name of ['..', '.', '../../etc', 'a/b', '/etc', 'a\0b', '.hidden', 'a\\b', '{domain}', '$&', '~root']) {
  test(`the name ${JSON.stringify(name)} stays one component`, () => {
    const component = pathComponent(name) ?? '';
    assert.match(component, /^[A-Za-z0-9_+=@%-][A-Za-z0-9_+=@%.-]*$/);
  });
}

test('no name leaves its directory, and two names never share one', () => {
  const names = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constantFrom('..', '../x', '%2E', '.'),
  );
  fc.assert(
    fc.property(names, names, (one, two) => {
      const first = pathComponent(one);
      if (first === undefined) return;
      assert.equal(normalize(join('/base', first)), `/base/${first}`);
      assert.equal(first.includes('/'), false);
      if (Buffer.from(one).compare(Buffer.from(two)) !== 0) assert.notEqual(first, pathComponent(two));
    }),
  );
});

test('a name that is too long, or empty, names nothing', () => {
  assert.equal(pathComponent('x'.repeat(PATH_COMPONENT_BYTES_MAX + 1)), undefined);
  assert.equal(pathComponent(''), undefined);
});
