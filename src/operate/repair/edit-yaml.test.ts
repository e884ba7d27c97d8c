import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanText, editYaml } from './edit-yaml.ts';

const TEXT = `# who we are
server: { name: mail.example.test, data: ./data } # stays
listeners:
  mx:   # the public one
    profile: mx
    address: '::'     # every address
    port: 25
`;

test('one value for another leaves everything else octet for octet', () => {
  const edited = editYaml(TEXT, [{ key: ['listeners', 'mx', 'address'], value: '0.0.0.0' }]);
  assert.deepEqual(edited, { ok: true, text: TEXT.replace("'::'", '0.0.0.0') });
});

test('a key that is not there is made, with the section around it', () => {
  const edited = editYaml(TEXT, [{ key: ['names', 'servers'], value: ['192.0.2.53'] }]);
  assert.ok(edited.ok);
  assert.match(edited.text, /names:\n {2}servers:\n {4}- 192\.0\.2\.53\n$/);
  assert.match(edited.text, /# the public one/);
  assert.match(edited.text, /# who we are/);
});

test('a key that is taken out goes, and comments of others stay', () => {
  const edited = editYaml(`${TEXT}  two: { profile: mx }\n`, [{ key: ['listeners', 'two'] }]);
  assert.ok(edited.ok);
  assert.doesNotMatch(edited.text, /two/);
  assert.match(edited.text, /# every address/);
});

test('what is no YAML is not edited', () => {
  assert.equal(editYaml('a: [', [{ key: ['a'], value: 1 }]).ok, false);
  assert.equal(editYaml('- a\n', [{ key: ['a'], value: 1 }]).ok, false);
  assert.equal(editYaml('a: 1\n', [{ key: ['b'] }]).ok, false);
});

test('carriage returns and byte order marks go, nothing else does', () => {
  assert.equal(cleanText('\ufeffa: 1\r\nb: "\u00fc"\r'), 'a: 1\nb: "\u00fc"\n');
  assert.equal(cleanText(TEXT), TEXT);
});
