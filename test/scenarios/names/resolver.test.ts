import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createResolver } from '../../../src/transport/resolver/resolver.ts';
import { parseNameServer } from '../../../src/transport/resolver/name-servers.ts';
import { nodeClock } from '../../../src/world/node/clock.ts';
import { nodeNetwork } from '../../../src/world/node/network.ts';
import { nodeRandom } from '../../../src/world/node/random.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import type { TestDnsServer } from '../../support/dns-server.ts';

const many = Array.from({ length: 80 }, (_, i) => `big.test AAAA 2001:db8::${(i + 1).toString(16)}`).join('\n');
const zone = `to.test MX 10 mx.to.test\nmx.to.test A 198.51.100.1\nnull.test MX 0 .\nbad.test SERVFAIL\n_25._tcp.mx.to.test TLSA 3 1 1 00ff\nmx.to.test PTR x.test\n${many}`;
let server: TestDnsServer;
before(async () => {
  server = await startDnsServer(zone, { authenticated: true });
});
after(() => server.close());

function make(...servers: string[]) {
  const world = { network: nodeNetwork, clock: nodeClock, random: nodeRandom };
  return createResolver({
    world,
    servers: servers.map((text) => parseNameServer(text) ?? assert.fail(text)),
    settings: { timeout: 300, tries: 2, cacheMax: 100 },
  });
}

test('records, definite negatives and failures over real sockets', async () => {
  const resolver = make(server.server);
  const mx = await resolver.query('to.test', 'MX');
  assert.ok(mx.kind === 'records' && mx.authenticated);
  assert.deepEqual(mx.records, [{ preference: 10, exchange: 'mx.to.test' }]);
  const nullMx = await resolver.query('null.test', 'MX');
  assert.ok(nullMx.kind === 'records' && nullMx.records[0]?.exchange === '');
  const tlsa = await resolver.query('_25._tcp.mx.to.test', 'TLSA');
  assert.ok(tlsa.kind === 'records' && tlsa.records[0]?.data.equals(Buffer.from('00ff', 'hex')));
  assert.equal((await resolver.query('none.test', 'A')).kind, 'no-such-name');
  assert.equal((await resolver.query('to.test', 'A')).kind, 'no-data');
  assert.deepEqual(await resolver.query('bad.test', 'A'), {
    kind: 'failure',
    reason: `SERVFAIL from ${server.server}`,
  });
});

test('Q150114: a long answer comes by TCP', async () => {
  const answer = await make(server.server).query('big.test', 'AAAA');
  assert.ok(answer.kind === 'records' && answer.records.length === 80);
  assert.ok(server.asked.includes('tcp big.test AAAA'));
});

test('a silent server is passed over', async () => {
  const silent = await startDnsServer('');
  silent.fail('SILENT');
  const answer = await make(silent.server, server.server).query('to.test', 'MX');
  assert.equal(answer.kind, 'records');
  const alone = await make(silent.server).query('to.test', 'MX');
  assert.ok(alone.kind === 'failure' && alone.reason.startsWith('no answer from 127.0.0.1:'));
  await silent.close();
});
