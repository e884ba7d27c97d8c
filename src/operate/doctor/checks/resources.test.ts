import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { processLimits } from './resources.ts';
import { networkThere } from './routes.ts';

test('a host with loopback alone is unhealthy, unless the service is one for trying out', async () => {
  const settings = settingsOf('server: { name: mail.company.com, data: /srv/ims }\n');
  const down = await lookWith(networkThere, { settings, host: { addresses: ['127.0.0.1'] } });
  assert.ok(down.kind === 'unhealthy' && /its network is down/.test(down.cause));
  const routes = {
    '/proc/net/route': 'Iface\tDestination\tGateway\neth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n',
  };
  const up = await lookWith(networkThere, {
    settings,
    host: { addresses: ['127.0.0.1', '192.0.2.10'], texts: routes },
  });
  assert.equal(up.kind, 'healthy');
  assert.equal(up.evidence[1]?.seen, 'IPv4');
  assert.equal((await lookWith(networkThere, {})).kind, 'not-applicable');
});

test('limits of address space and file size are unhealthy', async () => {
  const look = (space: string, size: string) => {
    const limits = `Max file size             ${size}            unlimited            bytes\nMax address space         ${space}            unlimited            bytes\n`;
    return lookWith(processLimits, { host: { texts: { '/proc/100/limits': limits } }, service: runningService([]) });
  };
  assert.equal((await look('unlimited', 'unlimited')).kind, 'healthy');
  const space = await look('536870912', 'unlimited');
  assert.ok(space.kind === 'unhealthy' && /limited to 512MB/.test(space.cause));
  const size = await look('unlimited', '65536');
  assert.ok(size.kind === 'unhealthy' && /beyond 64KB/.test(size.cause));
  assert.equal((await lookWith(processLimits, {})).kind, 'unknown');
});
