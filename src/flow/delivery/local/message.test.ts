import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOf, memoryContent } from '../../../../test/support/claims.ts';
import { HEADER_SCAN_BYTES_MAX } from '../limits.ts';
import { deliveredTo, deliveredToKey, deliveryName, deliveryPrefix } from './message.ts';

test('Delivered-To is found in the header only, in any case, whole or in chunks', async () => {
  const text = 'Delivered-To: A@X.test\r\nSubject: x\r\ndelivered-to:b@x.test\r\n\r\nDelivered-To: c@x.test\r\n';
  for (const content of [memoryContent(text), memoryContent(text, { streamed: true, chunkBytes: 7 })]) {
    assert.deepEqual([...(await deliveredTo(content))], ['a@x.test', 'b@x.test']);
  }
});

test('no more of a header is read than allowed', async () => {
  let read = 0;
  const content = {
    ...memoryContent(''),
    whole: undefined,
    async *chunks() {
      for (;;) {
        read += 65_536;
        yield Buffer.alloc(65_536, 'x');
      }
    },
  };
  assert.equal((await deliveredTo(content)).size, 0);
  assert.ok(read <= HEADER_SCAN_BYTES_MAX);
});

test('an internationalised mailbox is recognised', async () => {
  const mailbox = { localPart: 'grün', domain: 'x.test' };
  assert.ok((await deliveredTo(memoryContent('Delivered-To: grün@x.test\r\n\r\n'))).has(deliveredToKey(mailbox)));
});

test('prefix and file name', () => {
  const claim = claimOf(['a@x.test'], memoryContent(''), {
    envelope: { reversePath: null },
    queueId: '0-3k',
    deliveryId: '77/../1',
  });
  const [recipient] = claim.recipients;
  assert.ok(recipient);
  assert.equal(deliveryPrefix(claim, recipient).toString(), 'Return-Path: <>\r\nDelivered-To: a@x.test\r\n');
  assert.equal(deliveryName(claim, recipient), '1700000000.0-3k_77%2F..%2F1_0.ims');
});
