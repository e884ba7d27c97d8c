import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../../../test/support/claims.ts';
import { ManualClock } from '../../../../test/support/manual-clock.ts';
import { one, show, TERMS } from '../../../../test/support/relay-stage.ts';
import { memoryNetwork } from '../../../../test/support/streams.ts';
import { directDialer } from '../../../transport/dialer.ts';
import type { ByteStream } from '../../../world/ports/network.ts';
import type { AttemptResult } from '../port.ts';
import { RelayCourier } from './courier.ts';

const SECOND = 1000;
const TIMEOUTS = {
  connect: SECOND,
  greeting: SECOND,
  mail: SECOND,
  recipient: SECOND,
  dataStart: SECOND,
  dataBlock: SECOND,
  dataEnd: SECOND,
  idle: 100,
};

test('a server that drips octets without completing a reply is given up like a silent one', async () => {
  const clock = new ManualClock();
  const servers: ByteStream[] = [];
  const network = memoryNetwork((server) => {
    servers.push(server);
    server.start({ data() {}, end() {}, drain() {}, closed() {} });
    return undefined;
  });
  const settings = { attemptsMax: 1, maildir: '', timeouts: TIMEOUTS };
  const courier = new RelayCourier({
    world: { clock },
    dialer: directDialer(network),
    settings,
    journal: memoryJournal(),
  });
  let result: AttemptResult | undefined;
  const hosts = [{ name: 'mx.y.test', addresses: ['192.0.2.1'], port: 25 }];
  const attempted = courier
    .attempt(one(), { kind: 'relay', hosts, terms: TERMS, reason: 'test' })
    .then((found) => (result = found));
  await new Promise(setImmediate);
  for (const octet of '220-') {
    assert.equal(result, undefined);
    servers[0]?.write(octet);
    await new Promise(setImmediate);
    clock.advance(SECOND / 4);
    await new Promise(setImmediate);
  }
  clock.advance(2);
  assert.match(show(await attempted)[0] ?? '', /^0 deferred 451 4\.4\.2/);
});
