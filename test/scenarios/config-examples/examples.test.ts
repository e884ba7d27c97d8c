import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfiguration, printProblem, referencePage } from '../../../src/operate/config/index.ts';
import { projectRoot } from '../../support/root.ts';

const directory = join(projectRoot, 'examples');

for (const file of readdirSync(directory).filter((name) => name.endsWith('.yaml'))) {
  test(`examples/${file} is a good configuration without warnings`, () => {
    const loaded = loadConfiguration(readFileSync(join(directory, file), 'utf8'), file, { directory: '/etc/ims' });
    assert.deepEqual((loaded.ok ? loaded.warnings : loaded.problems).map(printProblem), []);
  });
}

test('the reference of settings is what the schema says; `ims config reference` prints it', () => {
  assert.ok(
    readFileSync(join(projectRoot, 'docs/reference/configuration.md'), 'utf8') === referencePage(),
    'docs/reference/configuration.md is stale',
  );
});
