import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs } from '../../support/needs.ts';
import { projectRoot } from '../../support/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'ims-launcher-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the launcher beside a service that says how it was started. */
const home = join(folder, 'home with space');
mkdirSync(join(home, 'bin'), { recursive: true });
mkdirSync(join(home, 'dist/src/service'), { recursive: true });
cpSync(join(projectRoot, 'bin/ims'), join(home, 'bin/ims'));
writeFileSync(join(home, 'package.json'), '{"type":"module"}');
const main = join(home, 'dist/src/service/main.js');
const SAYS =
  'console.log(JSON.stringify([process.argv.slice(2), process.env.UV_THREADPOOL_SIZE])); process.exitCode = 7;';
writeFileSync(main, SAYS);

/** A folder with a `node` of our making in it. */
function pathWith(name: string, script: string): string {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'node'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(at, 'node'), 0o755);
  return at;
}

function start(
  command: string,
  env: Readonly<Record<string, string>> = {},
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, LAUNCHER: join(home, 'bin/ims'), ...env },
  });
  return { code: status, out: stdout, err: stderr };
}

test('the launcher passes arguments, the thread pool and the exit code', () => {
  const { code, out } = start(`"$LAUNCHER" trace 'two words' ''`);
  assert.deepEqual(JSON.parse(out), [['trace', 'two words', ''], '16']);
  assert.equal(code, 7);
});

test('the launcher works through symbolic links', () => {
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  symlinkSync(join(home, 'bin/ims'), join(folder, 'usr/ims'));
  symlinkSync('../ims', join(folder, 'usr/bin/ims'));
  assert.equal(start('usr/bin/ims status').code, 7);
});

test('a missing Node is named', () => {
  const { code, err } = start('/bin/sh "$LAUNCHER"', { PATH: join(folder, 'nothing') });
  assert.equal(code, 127);
  assert.match(err, /^ims: Node is not installed, or not on the PATH \(.*nothing\)\.\nInstall Node/);
});

test('a Node that is too old is named with its version', () => {
  for (const version of ['v18.20.4', 'v20.18.3', 'v4.0.0']) {
    const { code, err } = start('"$LAUNCHER"', {
      PATH: `${pathWith('old', `echo ${version}`)}:${process.env['PATH'] ?? ''}`,
    });
    assert.equal(code, 126);
    assert.match(
      err,
      new RegExp(`^ims: Node ${version.slice(1)} \\(.*old/node\\) is too old; at least 20\\.19 is needed`),
    );
  }
});

test('a Node that does not run is named', () => {
  const { code, err } = start('"$LAUNCHER"', { PATH: `${pathWith('broken', 'exit 1')}:${process.env['PATH'] ?? ''}` });
  assert.equal(code, 126);
  assert.match(err, /broken\/node does not answer with a version/);
});

test('a Node that cannot reserve its memory is named with the limit, and nothing else is printed', () => {
  const { code, out, err } = start('ulimit -v 500000; "$LAUNCHER"');
  assert.equal(code, 126);
  assert.equal(out, '');
  assert.match(err, /^ims: Node cannot reserve its memory \(address space: 500000 KiB/);
  assert.match(err, /ulimit -v unlimited/);
});

test('a limit that leaves room changes nothing', () => {
  assert.equal(start('ulimit -v 50000000; "$LAUNCHER"').code, 7);
});

test('a soft limit is raised to the hard one before it can harm', () => {
  assert.equal(start('ulimit -S -v 500000; "$LAUNCHER"').code, 7);
});

test('too few open files are raised by root and named to everybody else; few are enough to start', () => {
  const { code, err } = start('ulimit -n 32; "$LAUNCHER" run');
  // Root may raise a hard limit where its capabilities were left to it.
  assert.equal(code, /it allowed itself 65536/.test(err) ? 7 : 126);
  assert.match(err, /only 32 open files/);
  assert.match(err, /RLIMIT_NOFILE/);
  assert.match(err, /LimitNOFILE=65536/);
  assert.equal(start('ulimit -n 64; "$LAUNCHER" status').err, '');
});

test('too few processes and too little memory for data are named before Node fails by them', {
  skip: needs('prlimit'),
}, () => {
  const { err, out } = start(
    'prlimit --nproc=100:100 "$LAUNCHER" run; prlimit --data=700000000:700000000 "$LAUNCHER" run',
  );
  assert.match(err, /only 100 processes and threads are allowed .*RLIMIT_NPROC/);
  assert.deepEqual(
    out.split('\n').slice(0, 2),
    ['[["run"],"4"]', '[["run"],"16"]'],
    'few threads where few are allowed',
  );
  assert.match(err, /memory for data is limited to 683593 KiB \(RLIMIT_DATA/);
});

test('authorities that this host trusts are trusted, unless others are named', () => {
  writeFileSync(main, 'console.log(process.env.NODE_EXTRA_CA_CERTS ?? "none");');
  const own = join(folder, 'own.pem');
  writeFileSync(own, '-----BEGIN CERTIFICATE-----\n');
  const named = start('"$LAUNCHER" status', { NODE_EXTRA_CA_CERTS: own }).out;
  const usual = start('"$LAUNCHER" status').out;
  writeFileSync(main, SAYS);
  assert.equal(named, `${own}\n`);
  assert.match(usual, /^(?:none|\/etc\/.*(?:\.crt|\.pem))\n$/);
});

test('a missing build is named with the command that makes it', () => {
  rmSync(main);
  const { code, err } = start('"$LAUNCHER"');
  writeFileSync(main, SAYS);
  assert.equal(code, 126);
  assert.match(err, /not built yet .*npm run build/);
});

test('what NODE_OPTIONS breaks is named, and the service starts without it', () => {
  for (const [options, words] of [
    ['--no-such-option', /NODE_OPTIONS \(--no-such-option\) keeps Node from starting.*\n.*not allowed in NODE_OPTIONS/],
    ['--require=/opt/agent/gone.js', /keeps Node from starting.*\n.*Cannot find module '\/opt\/agent\/gone.js'/],
    ['--max-old-space-size=16 --trace-warnings', /leaves Node 16 MB; the service needs 128 MB/],
  ] as const) {
    const { code, err } = start('"$LAUNCHER" run', { NODE_OPTIONS: options });
    assert.match(err, words);
    assert.equal(code, 7, options);
  }
  assert.equal(start('"$LAUNCHER" run', { NODE_OPTIONS: '--max-old-space-size=4096 --trace-warnings' }).err, '');
});

test('a umask that takes the rights of the service to its own files is named and not used', () => {
  writeFileSync(main, 'console.log(process.umask().toString(8)); process.exitCode = 7;');
  try {
    const odd = start('umask 777; "$LAUNCHER" run');
    assert.match(odd.err, /the umask 0?777 takes from the service the rights to its own files; 0077 is used/);
    assert.equal(odd.out.trim(), '77');
    const usual = start('umask 027; "$LAUNCHER" run');
    assert.deepEqual([usual.out.trim(), usual.err], ['27', '']);
  } finally {
    writeFileSync(main, SAYS);
  }
});

test('NODE_EXTRA_CA_CERTS that names nothing gives way to the trust store of the host', () => {
  const { err, code } = start('"$LAUNCHER" run', { NODE_EXTRA_CA_CERTS: join(folder, 'gone.pem') });
  assert.match(err, /NODE_EXTRA_CA_CERTS names .*gone\.pem, which does not exist/);
  assert.equal(err.includes('Ignoring extra certs'), false);
  assert.equal(code, 7);
});
