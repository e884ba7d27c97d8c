import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecipientsSettings } from '../../settings/recipients.ts';
import { verificationsMax, verificationsWaitingMax, verifiedLifetimeMs } from './limits.ts';
import { makeLocalTable } from './local-table.ts';
import { LoginDesk } from './login.ts';

const settings: RecipientsSettings = {
  'a.test': {
    mailboxes: {
      alice: { password: 'hash:secret', maySendAs: [] },
      bob: { password: 'hash:b', maySendAs: [] },
      mute: { maySendAs: [] },
    },
    aliases: {},
    plusAddressing: '+',
  },
  'b.test': { mailboxes: { bob: { password: 'hash:c', maySendAs: [] } }, aliases: {}, plusAddressing: '+' },
};

function make(verify = async (hash: string, password: string) => hash === `hash:${password}`) {
  let now = 0;
  let checks = 0;
  const desk = new LoginDesk(
    makeLocalTable(settings),
    (hash, password) => {
      checks += 1;
      return verify(hash, password);
    },
    { clock: { now: () => now }, random: { bytes: (count) => Buffer.alloc(count, 1) } },
  );
  return {
    desk,
    checks: () => checks,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('whole addresses and unique bare names log in', async () => {
  const { desk } = make();
  assert.deepEqual(await desk.check('Alice@A.test', 'secret'), { kind: 'accepted', account: 'alice@a.test' });
  assert.deepEqual(await desk.check('alice', 'secret'), { kind: 'accepted', account: 'alice@a.test' });
  assert.deepEqual(await desk.check('bob', 'b'), { kind: 'refused' });
  assert.deepEqual(await desk.check('bob@b.test', 'c'), { kind: 'accepted', account: 'bob@b.test' });
});

test('an unknown user costs the same check as a wrong password, even with a password that fits the decoy', async () => {
  const { desk, checks } = make();
  assert.deepEqual(await desk.check('nobody@a.test', 'secret'), { kind: 'refused' });
  assert.deepEqual(await desk.check('mute@a.test', 'secret'), { kind: 'refused' });
  assert.deepEqual(await desk.check('alice@a.test', 'wrong'), { kind: 'refused' });
  assert.equal(checks(), 3);
});

test('a login that fitted is remembered for a while, a wrong one never', async () => {
  const { desk, checks, pass } = make();
  await Promise.all([desk.check('alice', 'secret'), desk.check('alice@a.test', 'secret')]);
  await desk.check('alice', 'secret');
  assert.equal(checks(), 1);
  await desk.check('alice', 'wrong');
  await desk.check('alice', 'wrong');
  assert.equal(checks(), 3);
  pass(verifiedLifetimeMs);
  await desk.check('alice', 'secret');
  assert.equal(checks(), 4);
});

test('so many checks at once, so many wait, the rest comes again later', async () => {
  let running = 0;
  let most = 0;
  const { desk } = make(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return false;
  });
  const all = await Promise.all(
    Array.from({ length: verificationsMax + verificationsWaitingMax + 3 }, (_, index) =>
      desk.check('alice', `p${index}`),
    ),
  );
  assert.equal(most, verificationsMax);
  assert.equal(all.filter((verdict) => verdict.kind === 'unavailable').length, 3);
});

test('a check that breaks is no refusal', async () => {
  const { desk } = make(async () => {
    throw new Error('no memory');
  });
  assert.equal((await desk.check('alice', 'secret')).kind, 'unavailable');
  assert.deepEqual(await desk.check('alice', 'x'.repeat(2000)), { kind: 'refused' });
});
