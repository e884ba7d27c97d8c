import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayFault, gatewayFaultInWords, isGatewayFault, troubleOf } from './trouble.ts';

test('each reason why there is no session is an event of its own, with its evidence', () => {
  const shown = { kind: 'host-key', shown: 'SHA256:abc', type: 'ssh-ed25519' } as const;
  const why = 'as it said';
  assert.deepEqual(
    [
      troubleOf({ kind: 'unreachable', why }, []),
      troubleOf({ kind: 'wrong-protocol', why }, []),
      troubleOf({ kind: 'key-refused', why }, []),
      troubleOf({ kind: 'key-unusable', why }, []),
    ].map(({ event }) => event),
    [
      'transport.gateway-unreachable',
      'transport.gateway-wrong-protocol',
      'transport.gateway-key-refused',
      'transport.gateway-key-unusable',
    ],
  );
  assert.match(troubleOf(shown, []).why, /SHA256:abc \(ssh-ed25519\), and no hostKey is set/);
  const trouble = troubleOf(shown, ['SHA256:def']);
  assert.equal(trouble.event, 'transport.gateway-host-key');
  const fault = gatewayFault(trouble.event, 'outpost', 'outpost', trouble.why);
  assert.ok(isGatewayFault(fault));
  assert.match(gatewayFaultInWords(fault), /^the gateway outpost is not trusted: .*hostKey is SHA256:def$/);
});
