import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../mail/outcome.ts';
import type { Claim } from '../queue/port.ts';
import { conclude } from './conclude.ts';

const MINUTE = 60_000;
const curve = { first: 5 * MINUTE, factor: 2, longest: 240 * MINUTE, expiry: 7200 * MINUTE, delayNotice: 240 * MINUTE };
const settings = {
  jitter: 0,
  urgent: curve,
  normal: curve,
  bulk: curve,
  breaker: { failures: 3, rest: 1000, longest: 5000 },
};
const deferred: Outcome = { kind: 'deferred', reply: { code: 450, detail: '2.0', text: ['later'] } };
const failed: Outcome = { kind: 'failed', reply: { code: 550, detail: '1.1', text: ['nobody'] } };

function claimOf(part: Partial<Claim>): Claim {
  const recipients = [0, 1].map((index) => ({ index, mailbox: { localPart: `r${index}`, domain: 'far.test' } }));
  const claim = {
    class: 'normal',
    nextHop: 'mx:far.test',
    arrivedAtMs: 0,
    expiresAtMs: 7200 * MINUTE,
    attempts: 0,
    delayReported: false,
    recipients,
    ...part,
  };
  return claim as unknown as Claim; // the parts that `conclude` reads
}

const facts = { settings, nowMs: MINUTE, mayExpire: true, fraction: 0.5 };

test('a 4xx on one recipient defers that recipient only', () => {
  const found = [
    { index: 0, outcome: deferred },
    { index: 1, outcome: failed },
  ];
  const conclusion = conclude(claimOf({}), found, facts);
  assert.deepEqual(
    conclusion.outcomes.map(({ outcome }) => outcome.kind),
    ['deferred', 'failed'],
  );
  assert.equal(conclusion.ended, false);
  assert.equal(conclusion.nextDueMs, 6 * MINUTE);
});

test('past its expiry deferred mail fails with 4.4.7 and the last words of the peer', () => {
  const conclusion = conclude(
    claimOf({}),
    [
      { index: 0, outcome: deferred },
      { index: 1, outcome: deferred },
    ],
    { ...facts, nowMs: 7200 * MINUTE },
  );
  assert.ok(conclusion.ended);
  const first = conclusion.outcomes[0]?.outcome;
  assert.equal(first?.kind, 'failed');
  assert.match(first?.kind === 'failed' ? first.reply.text.join() : '', /450 4\.2\.0 later/);
});

test('while the clock is not to be believed nothing expires', () => {
  const conclusion = conclude(claimOf({}), [{ index: 0, outcome: deferred }], {
    ...facts,
    nowMs: 9000 * MINUTE,
    mayExpire: false,
  });
  assert.equal(conclusion.outcomes[0]?.outcome.kind, 'deferred');
});

test('the last attempt falls on the expiry', () => {
  const conclusion = conclude(claimOf({ attempts: 10 }), [{ index: 0, outcome: deferred }], {
    ...facts,
    nowMs: 7100 * MINUTE,
  });
  assert.equal(conclusion.nextDueMs, 7200 * MINUTE);
});

test('a delay notice is owed once', () => {
  const late = { ...facts, nowMs: 241 * MINUTE };
  assert.equal(conclude(claimOf({}), [{ index: 0, outcome: deferred }], late).delayNotice, true);
  assert.equal(conclude(claimOf({ delayReported: true }), [{ index: 0, outcome: deferred }], late).delayNotice, false);
  assert.equal(conclude(claimOf({}), [{ index: 0, outcome: deferred }], facts).delayNotice, false);
});

test('Q191261: a smart host that does not relay for us keeps the mail instead of returning it', () => {
  const refused: Outcome = { kind: 'failed', reply: { code: 550, detail: '7.1', text: ['relaying denied'] } };
  const kept = conclude(claimOf({ nextHop: 'host:provider' }), [{ index: 0, outcome: refused }], facts);
  assert.equal(kept.outcomes[0]?.outcome.kind, 'deferred');
  assert.equal(kept.keptBack?.code, 550);
  assert.equal(conclude(claimOf({}), [{ index: 0, outcome: refused }], facts).outcomes[0]?.outcome.kind, 'failed');
});
