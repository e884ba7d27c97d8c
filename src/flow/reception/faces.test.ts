import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver, scene } from '../../../test/support/reception.ts';

test('clients of a gateway meet the name of that gateway: in the greeting, after EHLO, and in Received', async () => {
  const { connect, queue } = scene({});
  const stream = connect({ byGateway: true, hostName: 'gw.example.test' }, '198.51.100.7');
  assert.match(stream.sent, /^220 gw\.example\.test /);
  stream.feed('EHLO client.test\r\n');
  assert.match(stream.sent, /\r\n250-gw\.example\.test/);
  await deliver(stream, 'Subject: x\r\n\r\nhello\r\n', { greet: false });
  assert.match(queue.taken[0]?.content.toString('latin1') ?? '', /by gw\.example\.test with/);
  const other = connect({}, '198.51.100.7');
  assert.match(other.sent, /^220 mail\.example\.test /);
});
