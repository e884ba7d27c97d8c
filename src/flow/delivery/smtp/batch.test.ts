import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstBatch } from './batch.ts';

const to = (text: string) => ({ mailbox: { localPart: text.split('@')[0] ?? '', domain: text.split('@')[1] ?? '' } });
const names = (list: readonly ReturnType<typeof to>[]): string => list.map(({ mailbox }) => mailbox.localPart).join('');
const pending = [to('a@x'), to('b@y'), to('c@x'), to('d@z'), to('e@x')];

test('a transaction names no more recipients and domains than the peer takes (RFC 9422 §4.2, §4.3)', () => {
  assert.equal(names(firstBatch(pending, { recipientsMax: 2, domainsMax: undefined })), 'ab');
  assert.equal(firstBatch(pending, { recipientsMax: 9, domainsMax: undefined }), pending);
  assert.equal(names(firstBatch(pending, { recipientsMax: 9, domainsMax: 1 })), 'a');
  assert.equal(names(firstBatch(pending, { recipientsMax: 9, domainsMax: 2 })), 'abc');
  assert.equal(names(firstBatch(pending, { recipientsMax: 2, domainsMax: 2 })), 'ab');
  assert.equal(firstBatch(pending, { recipientsMax: 9, domainsMax: 3 }), pending);
});
