import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { createRouter } from '../../flow/routing/router.ts';
import { routingSettings } from '../../settings/routing.ts';
import { answerWorkerCalls, type OperatorQueue, type WorkerParts } from './worker-calls.ts';

const at = (localPart: string, domain: string): Mailbox => ({ localPart, domain });

const unused = (): never => assert.fail('not asked for');
/** The parts of a worker that routes do not ask. */
const unasked: Omit<WorkerParts, 'queue' | 'router' | 'directory'> = {
  bounce: unused,
  flush: unused,
  arrived: () => 0,
  envelope: unused,
  takeIn: unused,
  dequeue: { states: () => [], start: () => false, progress: () => undefined },
  lookOutside: unused,
  transfer: { mode: 'both', use: async () => undefined },
  expectWord: unused,
  explainPolicy: unused,
};

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
    ...unasked,
  });
  assert.equal(await calls['queue.reroute']({ filter: {} }), 1);
  assert.deepEqual(seen, ['host:sales', 'mx:example.com', 'mx:example.com']);
});

test('a route that is explained carries no secret: neither of a group nor of a proxy', async () => {
  const router = createRouter({
    serverName: 'mail.example.test',
    ownAddresses: () => [],
    resolver: { query: async () => ({ kind: 'failure', reason: 'none' }) },
    random: { fraction: () => 0 },
    settings: routingSettings.parse({
      proxies: {
        a: { kind: 'socks5', host: '192.0.2.1', login: { user: 'u', password: 'secret-1' } },
        b: { kind: 'http-connect', host: '192.0.2.1', login: { token: 'secret-2' } },
      },
      proxy: ['a', 'b'],
      smartHosts: { g: { hosts: [{ host: '192.0.2.5' }], login: { user: 'me', password: 'secret-3' } } },
      addressSpaces: [{ match: '*', via: 'g' }],
    }),
    localHop: () => undefined,
  });
  const calls = answerWorkerCalls({
    queue: {} as OperatorQueue,
    router,
    directory: { resolve: async () => ({ kind: 'remote' }) },
    ...unasked,
  });
  const text = JSON.stringify(await calls['route.explain']({ recipient: at('bob', 'example.com'), sender: null }));
  assert.match(text, /"name":"a".*"name":"b"/);
  assert.doesNotMatch(text, /secret/);
});
