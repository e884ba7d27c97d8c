import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applicable, difference } from './difference.ts';
import { loadConfiguration } from './load.ts';
import type { Settings } from '../../settings/index.ts';

function settings(name: string, data: string, errorsMax: number, extra = ''): Settings {
  const text = `server: { name: ${name}, data: ${data} }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: 2525 }
${extra}reception: { errorsMax: ${errorsMax} }
`;
  const loaded = loadConfiguration(text, 'ims.yaml', { directory: '/etc/ims' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.settings;
}

test('a setting that needs a restart is named, and keeps its value in what a running service may use', () => {
  const before = settings('a.test', '/var/a', 20);
  const after = settings(
    'b.test',
    '/var/b',
    30,
    '  lmtp: { profile: lmtp, address: 127.0.0.1, port: 2424, tls: none }\n',
  );
  const restart = difference(before, after)
    .filter((change) => change.restart)
    .map(({ key }) => key);
  assert.deepEqual(new Set(restart), new Set(['server.data', 'server.run', 'listeners.lmtp']));
  const used = applicable(before, after);
  assert.equal(used.server.name, 'b.test');
  assert.equal(used.reception.errorsMax, 30);
  assert.equal(used.server.data, '/var/a');
  assert.deepEqual(Object.keys(used.listeners), ['mx']);
  assert.deepEqual(
    new Set(difference(used, after).map(({ key }) => key)),
    new Set(['server.data', 'server.run', 'listeners.lmtp']),
  );
});
