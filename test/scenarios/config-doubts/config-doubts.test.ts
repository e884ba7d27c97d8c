import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService | undefined;
afterEach(async () => {
  await service?.remove();
  service = undefined;
});

test('a file saved on Windows with a listener written twice is used, and what is doubtful is told once', async () => {
  const mx = await freePort();
  service = await startService((directory) => {
    const text = testConfiguration({ directory, ports: { mx } });
    const [line = ''] = text.split('\n').filter((one) => one.startsWith('  mx:'));
    return `\ufeff${text.replace(line, `${line}\n${line.replace('mx:', 'mx-again:')}`).replaceAll('\n', '\r\n')}`;
  });
  const told = await service.seen(3790);
  assert.match(told.text, /byte order mark \(BOM\) at its begin and CRLF line ends/);
  assert.match(told.text, /127\.0\.0\.1 port \d+ is given twice, first by the listener 'mx': the duplicate is ignored/);
  assert.equal(service.events.filter(({ event }) => event === 3790).length, 1);
  assert.ok(!service.events.some(({ event }) => event === 4007), 'nothing clashes');
});
