import assert from 'node:assert/strict';
import { test } from 'node:test';
import { categories } from './categories.ts';
import { difference, redact } from './difference.ts';
import { exampleConfiguration } from './example.ts';
import { explain, settingsBelow } from './explain.ts';
import { parseSettings, serialiseSettings } from './finish.ts';
import { loadConfiguration } from './load.ts';
import { referencePage } from './reference.ts';
import { allSettings, type Setting } from './shape.ts';
import { catalogue } from '../../events/catalogue/index.ts';
import type { Settings } from '../../settings/index.ts';

function load(text: string): Settings {
  const loaded = loadConfiguration(text, 'ims.yaml', { directory: '/etc/ims' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.settings;
}

const SMALL = 'server: { name: mail.example.com }\nlisteners: { mx: { profile: mx } }\n';
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo';

test('the example loads, and says nothing but defaults', () => {
  const example = load(exampleConfiguration());
  const small = load(SMALL);
  assert.deepEqual(difference({ ...small, domains: example.domains, listeners: example.listeners }, example), []);
});

test('every setting is described, and explained', () => {
  const page = `${referencePage()}`;
  for (const { path, setting } of settingsBelow('', allSettings())) {
    const plain = /(?:<inside>|<category>|aliases\.<local part>)$/.test(path);
    if (!plain) assert.notEqual(setting.text, '', path);
    const found = explain(path.replaceAll(/<[^>]*>/g, 'x'));
    assert.ok(found.ok, path);
    assert.ok(page.includes(/[.<[]/.test(path) ? `| \`${path}\` |` : `\n## ${path}\n`), path);
  }
});

test('an explanation says type, default, standard and when a change takes effect', () => {
  const found = explain('reception.timeouts.command');
  assert.ok(found.ok);
  assert.equal(
    found.text,
    [
      'reception.timeouts.command',
      '  Waiting for the next command.',
      '  Allowed:   a length of time from 1s to 1h, such as 30s, 5m, 2h or 5d',
      '  Default:   5m',
      '  Standard:  RFC 5321 §4.5.3.2.7',
      '  A change:  takes effect at `ims reload`',
    ].join('\n'),
  );
  assert.deepEqual(explain('domains.example.com.mailboxes.bob.password').ok, true);
  assert.deepEqual(explain('spaceFlor'), { ok: false, nearest: 'queue.spaceFloor' });
});

test('Q231878: a difference names changes, says which need a restart, and never shows a secret', () => {
  const from = load(`${SMALL}domains: { example.com: { mailboxes: { postmaster: } } }\n`);
  const to = load(
    `server: { name: mail.example.com, workers: 2 }\nlisteners: { mx: { profile: mx, tls: none }, b: { profile: mx, port: 26 } }\ndomains: { example.com: { mailboxes: { postmaster: { password: '${HASH}' } } } }\n`,
  );
  const changes = difference(from, to);
  assert.deepEqual(
    changes.map(({ key, restart }) => [key, restart]),
    [
      ['server.workers', true],
      ['listeners.mx.tls', false],
      ['listeners.b', true],
      ["domains.'example.com'.mailboxes.postmaster.password", false],
    ],
  );
  assert.ok(!JSON.stringify(changes).includes('argon2'));
  assert.ok(!JSON.stringify(redact(to)).includes('argon2'));
});

/** Values that have a secret, one for each place in the settings that may hold one. */
function secretsIn({ shape, meta }: Setting): readonly unknown[] {
  if (meta.secret === true) return ['SECRET'];
  switch (shape.kind) {
    case 'section':
      return [...shape.fields].flatMap(([name, field]) => secretsIn(field).map((value) => ({ [name]: value })));
    case 'map':
      return secretsIn(shape.entry).map((value) => ({ any: value }));
    case 'list':
      return secretsIn(shape.item).map((value) => [value]);
    case 'one-of':
      return shape.options.flatMap(secretsIn);
    default:
      return [];
  }
}

test('no secret is shown, wherever in the settings it stands', () => {
  const all = secretsIn(allSettings());
  assert.ok(all.length >= 8, `${all.length}`);
  for (const one of all) {
    const shown = JSON.stringify(redact(one as Settings));
    assert.ok(!shown.includes('SECRET') && shown.includes('(secret)'), JSON.stringify(one));
  }
});

test('settings survive the way to another process', () => {
  const settings = load(exampleConfiguration());
  assert.deepEqual(parseSettings(serialiseSettings(settings)), settings);
});

test('every category that an event has can be set', () => {
  for (const row of Object.values(catalogue)) assert.ok(categories.includes(row.category), row.category);
});
