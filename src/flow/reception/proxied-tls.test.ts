import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver, scene, TextStream } from '../../../test/support/reception.ts';
import type { ReceptionListener } from './reception.ts';

const PROXY_TLS = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' };

/** A client whose TLS ended at a proxy, or was none. */
function arrive(
  worth: 'noted' | 'counts',
  more: Partial<ReceptionListener> = {},
  told: typeof PROXY_TLS | 'none' = PROXY_TLS,
) {
  const { reception, queue, events } = scene({ certificate: more.tls !== 'required' });
  const stream = new TextStream();
  if (told !== 'none') Object.assign(stream, { tlsToProxy: told });
  const proxyProtocol = { trusted: ['10.0.0.5'], timeout: 5000, tls: worth };
  reception.accept(stream, {
    name: 'test',
    profile: 'mx',
    tls: 'starttls',
    greetingDelay: false,
    proxyProtocol,
    ...more,
  });
  return { stream, queue, events };
}

test('RFC 3848: mail by TLS that ended at the proxy says ESMTPS, with what the proxy tells of it', async () => {
  for (const worth of ['noted', 'counts'] as const) {
    const { stream, queue } = arrive(worth);
    await deliver(stream, 'Subject: x\r\n\r\nhello\r\n');
    const field =
      /by mail\.example\.test with ESMTPS \(TLSv1\.3 to the proxy\) id [^;]*\r\n\ttls TLS_AES_128_GCM_SHA256;/;
    assert.match(queue.taken[0]?.content.toString('latin1') ?? '', field);
  }
  const { stream, queue } = arrive('counts', {}, 'none');
  await deliver(stream, 'Subject: x\r\n\r\nhello\r\n');
  assert.match(queue.taken[0]?.content.toString('latin1') ?? '', /with ESMTP id/);
});

test('TLS with the proxy lets no password be said, unless the listener says that it counts', () => {
  const offered = (worth: 'noted' | 'counts', told?: 'none'): string => {
    const { stream } = arrive(worth, { profile: 'submission' }, told);
    stream.feed('EHLO laptop.test\r\n');
    return stream.sent;
  };
  assert.doesNotMatch(offered('noted'), /AUTH/);
  assert.match(offered('noted'), /STARTTLS/);
  assert.match(offered('counts'), /AUTH PLAIN LOGIN/);
  assert.doesNotMatch(offered('counts'), /STARTTLS/);
  assert.doesNotMatch(offered('counts', 'none'), /AUTH/);
});

test('a listener that requires TLS serves a client whose TLS with the proxy counts, also without a certificate of its own', () => {
  const { stream } = arrive('counts', { tls: 'required' });
  stream.feed('EHLO x.test\r\nMAIL FROM:<a@remote.test>\r\n');
  assert.match(stream.sent, /^220 [\s\S]*\r\n250 2\.1\.0 [^\r]*\r\n$/);
  const noted = arrive('noted', { tls: 'required' });
  assert.match(noted.stream.sent, /^421 |^4/);
  assert.deepEqual(
    noted.events.map(({ name }) => name),
    ['reception.tls-missing'],
  );
});
