import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../support/configurations.ts';
import { greeted, sendOver } from '../support/said.ts';
import { freePort, startService, type TestService } from '../support/service.ts';
import { until } from './town.ts';

const MESSAGES = 30;
let service: TestService;
let port = 0;
before(async () => {
  port = await freePort();
  const more = `routing: { addressSpaces: [{ match: held.test, via: hold }] }
policy: { localNetworks: [127.0.0.0/8] }
`;
  service = await startService((directory) => testConfiguration({ directory, ports: { mx: port }, workers: 2, more }));
});
after(() => service.remove());

test('Q261414: a queue that grows faster than it drains says so in the status, with the rates and where it leads', {
  timeout: 90_000,
}, async () => {
  const line = await greeted(port);
  for (let n = 0; n < MESSAGES; n += 1) await sendOver(line, `x${n}@held.test`);
  line.close();
  const status = await until(
    async () => {
      const { stdout } = await service.ims('status');
      return stdout.includes('grows faster than it drains') ? stdout : undefined;
    },
    'the forecast',
    60_000,
  );
  assert.match(status, /\d+ in and 0 out per hour.*; at this rate (?:the floor of free space|no bound is near)/);
  const { movement } = JSON.parse((await service.ims('status', '--json')).stdout) as {
    movement: { windowMs: number; inPerHour: number; outPerHour: number; forecast: { kind: string } };
  };
  assert.equal(movement.forecast.kind, 'grows');
  assert.equal(Math.round((movement.inPerHour * movement.windowMs) / 3_600_000), MESSAGES);
});
