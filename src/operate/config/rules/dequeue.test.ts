import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfiguration, printProblem } from '../index.ts';

const HEAD =
  'server: { name: mail.example.com }\nlisteners: { mx: { profile: mx } }\ndomains: { example.com: { mailboxes: { postmaster: {} } } }\n';

/** What is wrong with one entry, without places. */
function problems(entry: string): string[] {
  const loaded = loadConfiguration(`${HEAD}dequeue: { p: ${entry} }\n`, 'ims.yaml', { directory: '/etc/ims' });
  return (loaded.ok ? loaded.warnings : loaded.problems).map((problem) =>
    printProblem(problem).replace(/^ims\.yaml:\d+:\d+: /, ''),
  );
}

test('an entry of dequeue has a host to ask, or a program to run', () => {
  assert.deepEqual(problems("{ host: mail.provider.example, at: ['06:30'] }"), []);
  assert.match(problems('{}').join(' '), /dequeue\.p: has no 'host'/);
  assert.match(problems('{ command: none }').join(' '), /does nothing: 'command: none' needs a program 'before'/);
  assert.match(problems("{ host: 'mail.provider.example:25' }").join(' '), /is neither a host name nor an IP address/);
  assert.match(problems("{ host: 192.0.2.1, at: ['25:00'] }").join(' '), /dequeue\.p\.at\[0\]: is no time of day/);
  assert.match(problems('{ host: 192.0.2.1, proxy: nowhere }').join(' '), /dequeue\.p\.proxy: names no proxy/);
});

test('domains that are asked for are ours, and of a form that the command knows', () => {
  assert.deepEqual(problems("{ host: 192.0.2.1, domains: [example.com, '@example.com', '#held'] }"), []);
  assert.match(problems('{ host: 192.0.2.1, domains: [other.org] }').join(' '), /^warning: .* is no domain of ours/);
  const login = "login: { user: u, password: 'p' }";
  const atrn = problems(`{ command: atrn, host: 192.0.2.1, ${login}, domains: ['@example.com'] }`);
  assert.match(atrn.join(' '), /cannot be asked for/);
});

test('atrn has a login, and a password one place', () => {
  assert.match(problems('{ command: atrn, host: 192.0.2.1 }').join(' '), /has no 'login'/);
  assert.match(problems('{ host: 192.0.2.1, login: { user: u } }').join(' '), /neither 'password' nor 'passwordFile'/);
  const both = "{ host: 192.0.2.1, login: { user: u, password: 'p', passwordFile: f } }";
  assert.match(problems(both).join(' '), /keep one of them/);
});

test('programs are named by their whole path', () => {
  assert.deepEqual(problems('{ host: 192.0.2.1, before: { command: [/bin/dial, out] } }'), []);
  assert.match(problems('{ host: 192.0.2.1, after: { command: [dial] } }').join(' '), /is no absolute path/);
});
