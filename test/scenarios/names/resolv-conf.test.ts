import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '../../original/client.ts';
import { startPeer } from '../../original/peer.ts';
import { arrived } from '../../original/town.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { needs } from '../../support/needs.ts';
import { freePort, startService } from '../../support/service.ts';

const MAIN = fileURLToPath(new URL('../../../src/service/main.js', import.meta.url));
const skip = process.getuid?.() === 0 ? needs('unshare') : 'needs root';
const NAME_SERVER = '127.0.0.77';

test('a service that starts before its host has name servers that answer uses those that resolv.conf names later, and what waited goes', {
  skip,
  timeout: 120_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ims-resolv-'));
  const file = join(directory, 'resolv.conf');
  // The network is not up yet; that of the host which runs this test may be.
  await writeFile(file, 'nameserver 127.0.0.78\n');
  const [mx, peerPort] = [await freePort(), await freePort()];
  const more = `names: { timeout: 300ms }
policy: { localNetworks: [127.0.0.2/32] }
routing: { port: ${peerPort}, tls: none }
scheduler: { jitter: 0, normal: { first: 1h, factor: 2, longest: 4h } }
`;
  // The host's own resolv.conf stays as it is: the service sees another file in its place.
  const within = ['unshare', '-m', 'sh', '-c', `mount --bind '${file}' /etc/resolv.conf && exec "$@"`, 'sh'];
  const peer = await startPeer('127.0.1.1', peerPort, {});
  const dns = await startDnsServer('far.test MX 10 h.far.test\nh.far.test A 127.0.1.1', {
    address: NAME_SERVER,
    port: 53,
  });
  const service = await startService(
    (at) => testConfiguration({ directory: at, ports: { mx }, workers: 1, more }),
    MAIN,
    within,
  );
  try {
    const client = await Client.open(mx);
    const content = 'Subject: x\r\n\r\nx\r\n';
    assert.match(await client.send({ from: 'alice@example.test', to: ['x@far.test'], content }), /^250/);
    client.close();
    await service.seen(3701, 20_000);
    assert.equal(peer.contents.length, 0);
    await writeFile(file, `nameserver ${NAME_SERVER}\n`);
    await arrived(peer, 1, 60_000);
    assert.ok(service.events.some(({ name }) => name === 'names.server-dropped'));
  } finally {
    await service.remove();
    await Promise.all([peer.close(), dns.close()]);
    await rm(directory, { recursive: true });
  }
});
