import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfiguration, printProblem } from '../index.ts';

const HEAD = 'server: { name: mail.example.com }\nlisteners: { mx: { profile: mx } }\n';

/** What is wrong with the keys of a domain, without places. */
function problems(dkim: string): string[] {
  const domains = `domains: { example.com: { mailboxes: { postmaster: {} }, dkim: ${dkim} } }\n`;
  const loaded = loadConfiguration(`${HEAD}${domains}`, 'ims.yaml', { directory: '/etc/ims' });
  return (loaded.ok ? loaded.warnings : loaded.problems).map((problem) =>
    printProblem(problem).replace(/^ims\.yaml:\d+:\d+: /, ''),
  );
}

test('keys of a domain are one or a list, each with a selector of its own that can stand in the DNS', () => {
  assert.deepEqual(problems('{ selector: ims2026, keyFile: k.pem }'), []);
  assert.deepEqual(problems('[{ selector: a.b, keyFile: k.pem }, { selector: A-1, keyFile: e.pem }]'), []);
  assert.match(problems('{ selector: a_b, keyFile: k }').join(), /dkim\.selector: cannot be a selector/);
  assert.match(problems("{ selector: 'x..y', keyFile: k }").join(), /dkim\.selector: cannot be a selector/);
  assert.match(
    problems('[{ selector: s, keyFile: k }, { selector: S, keyFile: k }]').join(),
    /dkim\[1\]\.selector: is the selector of another key/,
  );
  assert.match(problems('{ selector: s }').join(), /keyFile/);
});
