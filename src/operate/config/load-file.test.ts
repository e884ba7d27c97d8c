import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { loadConfigurationFile } from './load-file.ts';
import { printProblem } from './problem.ts';

type File = { readonly text: string; readonly mode?: number };

async function load(
  files: Readonly<Record<string, File>>,
  encoding: BufferEncoding = 'utf8',
): Promise<{ words: readonly string[]; password: string | undefined }> {
  const disk: Parameters<typeof loadConfigurationFile>[0] = {
    async entry(path) {
      const file = files[path];
      return file === undefined
        ? undefined
        : { kind: 'file', sizeBytes: file.text.length, mode: file.mode ?? 0o600, modifiedMs: 0, inode: 1, device: 1 };
    },
    async readFile(path) {
      const file = files[path];
      if (file === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
      return Buffer.from(file.text, encoding);
    },
  };
  const { loaded } = await loadConfigurationFile(disk, '/etc/ims/ims.yaml');
  const words = (loaded.ok ? loaded.warnings : loaded.problems).map(printProblem);
  return { words, password: loaded.ok ? loaded.settings.routing.smartHosts['p']?.login?.password : undefined };
}

const HEAD = 'server: { name: mail.example.com }\nlisteners: { mx: { profile: mx } }\n';
const LOGIN = `${HEAD}routing:\n  smartHosts:\n    p:\n      hosts: [{ host: smtp.example.net }]\n      tls: verified\n      login: { user: me, passwordFile: secret }\n`;

test('a file that is not there is named', async () => {
  assert.deepEqual((await load({})).words, ['/etc/ims/ims.yaml: error: there is no such file']);
});

test('Q181420: a file under another name, or in another encoding, is named as what it is', async () => {
  const text = `${HEAD}domains: { example.com: { mailboxes: { postmaster: } } }\n`;
  for (const near of ['/etc/ims/ims.yaml.txt', '/etc/ims/ims.yml', '/etc/ims/ims.json'])
    assert.deepEqual((await load({ [near]: { text } })).words, [
      `/etc/ims/ims.yaml: error: there is no such file, but there is ${near}: rename it`,
    ]);
  for (const mark of ['\ufeff', ''])
    assert.deepEqual((await load({ '/etc/ims/ims.yaml': { text: `${mark}${text}` } }, 'utf16le')).words, [
      '/etc/ims/ims.yaml: error: is saved as UTF-16 ("Unicode"); save it as UTF-8',
    ]);
});

test('the password of a smart host is the first line of its file', async () => {
  assert.deepEqual(
    await load({ '/etc/ims/ims.yaml': { text: LOGIN }, '/etc/ims/secret': { text: 'open sesame\r\nrest\n' } }),
    { words: [], password: 'open sesame' },
  );
});

test('a password file that is missing, empty or open to others is said, never its content', async () => {
  const place = '/etc/ims/ims.yaml:8:40';
  const key = 'routing.smartHosts.p.login.passwordFile';
  const words = async (secret: File | undefined): Promise<readonly string[]> =>
    (
      await load({
        '/etc/ims/ims.yaml': { text: LOGIN },
        ...(secret === undefined ? {} : { '/etc/ims/secret': secret }),
      })
    ).words;
  assert.deepEqual(await words(undefined), [
    `${place}: error: ${key}: there is no such file; found '/etc/ims/secret'`.replaceAll("'", ''),
  ]);
  assert.deepEqual(await words({ text: '\nx' }), [
    `${place}: error: ${key}: has an empty first line; found /etc/ims/secret`,
  ]);
  assert.deepEqual(await words({ text: 'hunter2', mode: 0o644 }), [
    `${place}: warning: ${key}: can be read by other users; run chmod 600 on it; found /etc/ims/secret`,
  ]);
});

test('a configuration with passwords that everybody may read is warned of', async () => {
  const text = `${LOGIN.replace('passwordFile: secret', 'password: open')}`;
  assert.deepEqual((await load({ '/etc/ims/ims.yaml': { text, mode: 0o644 } })).words, [
    '/etc/ims/ims.yaml: warning: holds passwords or their hashes and can be read by every user; run chmod 600 on it',
  ]);
});

test('certificate and key must be what they are called', async () => {
  const { words } = await load({
    '/etc/ims/ims.yaml': { text: `${HEAD}tls: { certificate: c.pem, key: k.pem }\n` },
    '/etc/ims/c.pem': { text: '-----BEGIN PRIVATE KEY-----' },
    '/etc/ims/k.pem': { text: '-----BEGIN CERTIFICATE-----' },
  });
  assert.deepEqual(words, [
    '/etc/ims/ims.yaml:3:21: error: tls.certificate: holds no certificate in PEM form; found /etc/ims/c.pem',
    '/etc/ims/ims.yaml:3:33: error: tls.key: holds no private key in PEM form; found /etc/ims/k.pem',
  ]);
});

test('a key that signs is read; one that is missing, weak or none at all is a warning, and the rest goes on', async () => {
  const domains = 'domains: { example.com: { mailboxes: { postmaster: }, dkim: { selector: s1, keyFile: k.pem } } }\n';
  const words = async (key: File | undefined): Promise<readonly string[]> =>
    (
      await load({
        '/etc/ims/ims.yaml': { text: `${HEAD}${domains}` },
        ...(key === undefined ? {} : { '/etc/ims/k.pem': key }),
      })
    ).words;
  const pem = (modulusLength: number): string =>
    generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const at = "/etc/ims/ims.yaml:3:86: warning: domains.'example.com'.dkim.keyFile:";
  assert.deepEqual(await words({ text: pem(2048) }), []);
  assert.deepEqual(await words(undefined), [`${at} there is no such file; found /etc/ims/k.pem`]);
  assert.deepEqual(await words({ text: pem(1024) }), [
    `${at} is an RSA key of 1024 bits; 2048 are advised (RFC 8301 §3.2); found /etc/ims/k.pem`,
  ]);
  assert.match((await words({ text: 'x' })).join(), /warning: .* is no private key in PEM form/);
  assert.match((await words({ text: pem(2048), mode: 0o644 })).join(), /can be read by other users/);
});
