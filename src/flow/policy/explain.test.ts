import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policySettings } from '../../settings/policy.ts';
import type { Directory, Resolution } from '../recipients/port.ts';
import { explainPolicy } from './explain.ts';

const directory = {
  isLocalDomain: (domain: string) => domain === 'example.test',
  isRelayDomain: () => false,
  maySendAs: () => true,
  resolve: (): Promise<Resolution> => Promise.resolve({ kind: 'unknown' }),
} as unknown as Directory; // what these questions ask of it
const settings = policySettings.parse({
  localNetworks: ['10.0.0.0/8', '192.0.2.7/32'],
  blockedNetworks: ['192.0.2.0/24', '10.1.0.0/16'],
  remoteDomainsAllowed: ['open.test'],
});
const ask = (clientAddress: string, domain?: string) =>
  explainPolicy(
    { settings, directory },
    {
      session: { profile: 'mx', clientAddress, account: undefined },
      sender: { localPart: 'a', domain: 'example.test' },
      recipient: domain === undefined ? undefined : { localPart: 'x', domain },
    },
  );

test('Q155920: an address is explained with the networks that hold it, and the narrower decides', async () => {
  const exception = await ask('192.0.2.7');
  assert.deepEqual(
    [exception.blockedBy, exception.localBy, exception.trusted, exception.connection],
    ['192.0.2.0/24', '192.0.2.7/32', true, undefined],
  );
  const blocked = await ask('10.1.2.3');
  assert.deepEqual(
    [blocked.blockedBy, blocked.localBy, blocked.trusted, blocked.connection?.code],
    ['10.1.0.0/16', '10.0.0.0/8', false, 554],
  );
  assert.deepEqual([(await ask('198.51.100.1')).blockedBy, (await ask('198.51.100.1')).trusted], [undefined, false]);
});

test('Q196793: a sender and a recipient are explained by the reply that they would get', async () => {
  assert.equal((await ask('10.0.0.1', 'open.test')).recipient?.code, 250);
  const refused = (await ask('10.0.0.1', 'other.test')).recipient;
  assert.deepEqual([refused?.code, refused?.detail], [550, '7.1']);
  assert.match(refused?.text.join() ?? '', /other\.test/);
  assert.equal((await ask('198.51.100.1', 'example.test')).recipient?.detail, '1.1');
});
