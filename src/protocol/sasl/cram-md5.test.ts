import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseAuth } from '../smtp/client/auth.ts';
import { cramMd5Client } from './cram-md5.ts';

test('the example of RFC 2195 §2', () => {
  const client = cramMd5Client({ user: 'tim', password: 'tanstaaftanstaaf' });
  assert.equal(client.initial, undefined);
  const answer = client.respond('<1896.697170952@postoffice.reston.mci.net>');
  assert.equal(answer, 'tim b913a602c7eda7a495b4e6e7334d3890');
  assert.equal(client.respond('again'), undefined);
});

test('a password that must not be shown is sent by CRAM-MD5 or not at all', () => {
  const login = { user: 'tim', password: 'secret' };
  assert.equal(chooseAuth(['PLAIN', 'LOGIN', 'CRAM-MD5'], login, false)?.command, 'AUTH CRAM-MD5');
  assert.equal(chooseAuth(['PLAIN', 'LOGIN'], login, false), undefined);
  assert.match(chooseAuth(['PLAIN', 'CRAM-MD5'], login)?.command ?? '', /^AUTH PLAIN /);
  assert.equal(chooseAuth(['CRAM-MD5'], login)?.command, 'AUTH CRAM-MD5');
});
