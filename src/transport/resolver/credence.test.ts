import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordType } from '../../world/ports/resolver.ts';
import { Credence, type Said } from './credence.ts';
import { doubtMs, knewMs } from './limits.ts';

const server = { address: '192.0.2.53', port: 53 };
const other = { address: '192.0.2.54', port: 53 };

function judge(answers: Readonly<Record<string, Said>>) {
  let now = 1_000_000;
  const asked: string[] = [];
  const credence = new Credence({
    clock: { now: () => now },
    ask: async (_server, name, type) => {
      asked.push(`${name} ${type}`);
      return answers[`${name} ${type}`] ?? answers['*'];
    },
    chance: () => 'chance',
    own: ['ours.example'],
  });
  const mx = (name: string, said: 'no-such-name' | 'no-data' = 'no-such-name', zone?: string): Promise<boolean> =>
    credence.believes(server, said, { name, type: 'MX' }, zone);
  const pass = (ms: number): void => {
    now += ms;
  };
  return { credence, asked, mx, pass };
}

test('a no costs no question where the server lately had records', async () => {
  const { credence, asked, mx, pass } = judge({ '*': 'no-such-name' });
  credence.knew(server, 'example.com', 'MX');
  assert.ok(await mx('typo.example'));
  pass(knewMs);
  assert.ok(await mx('typo.example'));
  assert.deepEqual(asked, []);
  assert.equal(await credence.believes(other, 'no-such-name', { name: 'typo.example', type: 'MX' }), false);
});

test('the root proves a server, for the next questions too', async () => {
  const { asked, mx } = judge({ ' NS': 'records', '*': 'no-such-name' });
  assert.ok(await mx('typo.example'));
  assert.ok(await mx('wrong.example'));
  assert.deepEqual(asked, [' NS']);
});

test('who says no to the root and to every other name is not believed, asked in vain once in a while, and recovers', async () => {
  for (const said of ['no-such-name', 'no-data'] as const) {
    const { credence, asked, mx, pass } = judge({ '*': said });
    assert.equal(await mx('good.example', said), false);
    assert.ok(credence.doubts(server));
    const once = asked.length;
    assert.equal(await mx('fine.example', said), false);
    assert.equal(asked.length, once);
    pass(doubtMs);
    assert.equal(await mx('fine.example', said), false);
    assert.ok(asked.length > once);
    credence.knew(server, 'fine.example', 'TXT');
    assert.ok(!credence.doubts(server) && (await mx('typo.example', said)));
  }
});

test('questions at once ask for one proof', async () => {
  const { asked, mx } = judge({ '*': 'no-such-name' });
  assert.deepEqual(await Promise.all(['a.example', 'b.example', 'c.example'].map((name) => mx(name))), [
    false,
    false,
    false,
  ]);
  assert.deepEqual(asked, [' NS', 'example MX']);
});

test('a private server without a root is believed where it tells names apart', async () => {
  const missing = judge({ ' NS': 'no-such-name', 'corp MX': 'no-data', '*': 'no-such-name' });
  assert.ok(await missing.mx('typo.corp'));
  const empty = judge({ ' NS': 'no-such-name', 'chance.invalid MX': 'no-such-name', '*': 'no-data' });
  assert.ok(await empty.mx('host.corp', 'no-data'));
});

test('a private server without a root is believed while it still has what it had', async () => {
  const { credence, mx, pass, asked } = judge({ 'mail.corp MX': 'records', '*': 'no-such-name' });
  credence.knew(server, 'mail.corp', 'MX');
  pass(knewMs + 1);
  assert.ok(await mx('typo.example'));
  assert.deepEqual(asked, [' NS', 'example MX', 'mail.corp MX']);
});

test('split DNS: the servers of a zone are asked for it, not for the root', async () => {
  const { asked, mx } = judge({ 'corp.example SOA': 'records', '*': 'no-such-name' });
  assert.ok(await mx('typo.corp.example', 'no-such-name', 'corp.example'));
  assert.deepEqual(asked, ['corp.example SOA']);
  assert.equal(await judge({ '*': 'no-such-name' }).mx('typo.corp.example', 'no-such-name', 'corp.example'), false);
});

test('our own names, reverse names and addresses prove nothing: a portal has those', async () => {
  const { credence, mx } = judge({ '*': 'no-data' });
  for (const [name, type] of [
    ['ours.example', 'MX'],
    ['mail.ours.example', 'TXT'],
    ['portal.example', 'A'],
    ['1.2.0.192.in-addr.arpa', 'PTR'],
  ] as const)
    credence.knew(server, name, type);
  assert.equal(await mx('good.example', 'no-data'), false);
});

test('a portal that has an address for every name proves nothing by that', async () => {
  const { credence } = judge({ ' NS': 'no-data', 'chance.invalid A': 'records', '*': 'no-data' });
  assert.equal(await credence.believes(server, 'no-data', { name: 'good.example', type: 'A' }), false);
});

test('only what returns mail is doubted: a host without AAAA, a reverse name, a text', async () => {
  const { credence, asked } = judge({ '*': 'no-data' });
  const plain: readonly (readonly [RecordType, 'no-data' | 'no-such-name'])[] = [
    ['AAAA', 'no-data'],
    ['PTR', 'no-such-name'],
    ['TXT', 'no-such-name'],
  ];
  for (const [type, said] of plain) assert.ok(await credence.believes(server, said, { name: 'x.example', type }));
  assert.deepEqual(asked, []);
});

test('a doubt about addresses ends with an address', async () => {
  const { credence } = judge({ '*': 'no-such-name' });
  assert.equal(await credence.believes(server, 'no-such-name', { name: 'relay.example', type: 'A' }), false);
  credence.knew(server, 'relay.example', 'A');
  assert.ok(!credence.doubts(server));
});

test('a server that fails at one name fails as a whole where it fails at the root too', async () => {
  const broken = judge({});
  assert.equal(await broken.credence.answersOthers(server), false);
  assert.ok(!broken.credence.doubts(server));
  assert.equal(await broken.credence.answersOthers(server), false);
  assert.deepEqual(broken.asked, [' NS', ' NS']);
  const well = judge({ ' NS': 'records' });
  assert.ok((await well.credence.answersOthers(server)) && (await well.credence.answersOthers(server)));
  assert.deepEqual(well.asked, [' NS']);
  const rootless = judge({ ' NS': 'no-such-name' });
  assert.ok(await rootless.credence.answersOthers(server));
});

test('a server that does not reply when it should show what it knows is not believed for the time being', async () => {
  const { mx, asked } = judge({});
  assert.equal(await mx('good.example'), false);
  assert.deepEqual(asked, [' NS']);
});

test('a server of zones, which refuses to look up the root, is believed about names that it says no to', async () => {
  const { mx, asked, credence } = judge({ ' NS': 'refused', '*': 'no-such-name' });
  assert.ok(await mx('typo.example'));
  assert.deepEqual(asked, [' NS']);
  assert.ok(!credence.doubts(server));
});
