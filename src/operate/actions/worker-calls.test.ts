import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { createRouter } from '../../flow/routing/router.ts';
import { routingSettings } from '../../settings/routing.ts';
import { answerWorkerCalls, type OperatorQueue } from './worker-calls.ts';

const at = (localPart: string, domain: string): Mailbox => ({ localPart, domain });

test('routing anew honours address spaces with a scope of senders', async () => {
  const router = createRouter({
    serverName: 'mail.example.test',
    ownAddresses: () => [],
    resolver: { query: () => assert.fail('nothing is looked up') },
    random: { fraction: () => 0 },
    settings: routingSettings.parse({
      smartHosts: { sales: { hosts: [{ host: 'sales.test' }] } },
      addressSpaces: [{ match: '*', via: 'sales', senders: ['sales@example.test'] }],
    }),
    localHop: () => undefined,
  });
  const seen: string[] = [];
  const unused = (): never => assert.fail('not asked for');
  const queue: OperatorQueue = {
    counts: unused,
    list: unused,
    count: unused,
    content: unused,
    hold: unused,
    resume: unused,
    retryNow: unused,
    remove: unused,
    reroute: (_, route) => {
      for (const reversePath of [at('sales', 'example.test'), at('alice', 'example.test'), null]) {
        const envelope: EnvelopeOptions = { reversePath, body: '7bit', smtpUtf8: false };
        seen.push(route({ mailbox: at('bob', 'example.com') }, envelope));
      }
      return Promise.resolve(1);
    },
  };
  const calls = answerWorkerCalls({
    queue,
    router,
    directory: { resolve: unused },
    bounce: unused,
    flush: unused,
    expectWord: unused,
    explainPolicy: unused,
  });
  assert.equal(await calls['queue.reroute']({ filter: {} }), 1);
  assert.deepEqual(seen, ['host:sales', 'mx:example.com', 'mx:example.com']);
});
