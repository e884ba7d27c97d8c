import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SenderCheck } from '../../mail/sender-check.ts';
import { authenticationResults, authenticationResultsField, authservId } from './authentication-results.ts';
import { receivedSpfField } from './received-spf.ts';
import { HeaderScanner } from './scanner.ts';

const spf = (value: string, why = '', identity: 'mailfrom' | 'helo' = 'mailfrom') =>
  ({ method: 'spf', identity, value, result: 'fail', why }) as const;

test('nothing was found out, or something', () => {
  assert.equal(
    authenticationResultsField('mail.example.test', '192.0.2.7', []),
    'Authentication-Results: mail.example.test; none\r\n',
  );
  const checks: readonly SenderCheck[] = [
    spf('far.test', '', 'helo'),
    spf('a@far.test', '-all'),
    { method: 'dnsbl', zone: 'list.test', code: '127.0.0.2', why: 'spam' },
  ];
  assert.equal(
    authenticationResultsField('mail.example.test', '192.0.2.7', checks),
    [
      'Authentication-Results: mail.example.test;',
      '\tspf=fail (192.0.2.7)',
      '\t smtp.helo=far.test;',
      '\tspf=fail (192.0.2.7: -all)',
      '\t smtp.mailfrom=a@far.test;',
      '\tx-dnsbl=fail (192.0.2.7: spam) dns.zone=list.test policy.ip=127.0.0.2\r\n',
    ].join('\r\n'),
  );
});

test('values that are no token are quoted, and reasons cannot leave their comment', () => {
  const field = authenticationResultsField('mail.example.test', '192.0.2.7', [
    spf('"a b"@far.test', 'x) spf=pass (\r\ny'),
  ]);
  assert.match(field, /\(192\.0\.2\.7: x\? spf=pass \?\?\?y\)\r\n\t smtp\.mailfrom="\\"a b\\"@far\.test"\r\n$/);
});

test('whatever was found out, it is one field of ours in ASCII, with lines of a length that all take', () => {
  const text = fc.string({ unit: 'binary', maxLength: 500 });
  const facts = fc.record({
    serverName: fc.constant('mail.example.test'),
    clientAddress: fc.ipV6(),
    greetingName: text,
    sender: text,
  });
  fc.assert(
    fc.property(text, text, facts, (value, why, said) => {
      for (const [name, field] of [
        [authenticationResults, authenticationResultsField('mail.example.test', said.clientAddress, [spf(value, why)])],
        ['received-spf', receivedSpfField(said, spf(value, why))],
      ] as const) {
        assert.match(field, /^[\x20-\x7e\t\r\n]*$/);
        for (const line of field.split('\r\n')) assert.ok(line.length < 998 && !/[\r\n]/.test(line), field);
        const scanner = new HeaderScanner({ headerSizeMax: 65_536, hopsMax: 50, keep: new Set([name]) });
        scanner.feed(Buffer.from(`${field}\r\n`));
        scanner.finish();
        assert.deepEqual(
          scanner.fields.map((one) => one.name),
          [name],
        );
        const [kept] = scanner.fields;
        if (name === authenticationResults) assert.ok(kept !== undefined && authservId(kept) === 'mail.example.test');
      }
    }),
  );
});
