/** A mail store that refuses connections is known to the status as soon as the first delivery has met it. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService | undefined;
afterEach(async () => {
  await service?.remove();
  service = undefined;
});

test('a store that refuses connections is in the status within seconds of the first attempt', {
  timeout: 60_000,
}, async () => {
  const [port, dead] = [await freePort(), await freePort()];
  const more = `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { store: { hosts: [{ host: 127.0.0.1, port: ${dead} }], tls: none } }
  addressSpaces: [{ match: far.test, via: store }]
`;
  const running = await startService((directory) =>
    testConfiguration({ directory, ports: { mx: port }, workers: 1, more }),
  );
  service = running;
  await sendOne(port, 'anybody@far.test');
  const begun = performance.now();
  const status = async (): Promise<string> => (await running.ims('status')).stdout;
  await until('the status says it', async () => /refuses the connection/.test(await status()), 20_000);
  const took = performance.now() - begun;
  console.log(`# known ${(took / 1000).toFixed(1)} s after the message`);
  assert.ok(took < 10_000, `${took} ms`);
  assert.match(await status(), /Mail is accepted; one thing is not well: .*routing\.smartHosts\.store/);
});
