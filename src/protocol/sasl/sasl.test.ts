import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { mechanisms } from './mechanisms.ts';
import type { Credentials } from './port.ts';

const text = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .filter((s) => !s.includes('\0') && Buffer.from(s).toString() === s);

/** Lets a client log in at a server and returns what the server got to know. */
function login(name: 'PLAIN' | 'LOGIN', credentials: Credentials, withInitial: boolean): Credentials | undefined {
  const server = mechanisms[name].server();
  const client = mechanisms[name].client(credentials);
  const initial = withInitial ? client.initial : undefined;
  let step = server.begin(initial === undefined ? undefined : Buffer.from(initial));
  for (let round = 0; round < 3 && step.kind === 'challenge'; round++) {
    const response = step.challenge === '' ? client.initial : client.respond(step.challenge);
    if (response === undefined) return undefined;
    step = server.respond(Buffer.from(response));
  }
  return step.kind === 'credentials' ? step.credentials : undefined;
}

test('client and server understand each other, with and without an initial response', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('PLAIN' as const, 'LOGIN' as const),
      text,
      text,
      fc.boolean(),
      (name, user, password, initial) => {
        assert.deepEqual(login(name, { user, password }, initial), { user, password });
      },
    ),
  );
});

test('PLAIN takes no authorization identity but the user itself', () => {
  const begin = (response: string) => mechanisms.PLAIN.server().begin(Buffer.from(response, 'latin1')).kind;
  assert.equal(begin('alice\0alice\0secret'), 'credentials');
  assert.equal(begin('bob\0alice\0secret'), 'refused');
  for (const bad of ['', '\0', '\0\0', '\0alice\0', '\0\0secret', 'alice\0secret', '\0a\0b\0c', '\0\xff\0b']) {
    assert.equal(begin(bad), 'malformed', JSON.stringify(bad));
  }
});

test('LOGIN takes the initial response for the user name and refuses empty words', () => {
  const server = mechanisms.LOGIN.server();
  assert.deepEqual(server.begin(Buffer.from('alice')), { kind: 'challenge', challenge: 'Password:' });
  assert.equal(server.respond(Buffer.from('')).kind, 'malformed');
});

test('base64 is read strictly', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      assert.deepEqual(decodeBase64(encodeBase64(Buffer.from(octets))), Buffer.from(octets));
    }),
  );
  for (const bad of ['A', 'AA', 'AA=', 'AB==', 'AAA=A', 'AA-_', 'AA==\n', 'A A=', '====', '='])
    assert.equal(decodeBase64(bad), undefined, bad);
});
