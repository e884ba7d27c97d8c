import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartState } from './context.ts';
import { verdictOf, worstFirst } from './verdict.ts';

const part = (name: string, state: PartState['state'], cause?: string, sinceMs = 0): PartState => ({
  part: name,
  state,
  sinceMs,
  ...(cause === undefined ? {} : { cause }),
});

test('the verdict is one sentence that names what keeps mail out before what only waits for it', () => {
  assert.equal(verdictOf([part('listener mx', 'running')]), 'Everything runs.');
  assert.equal(
    verdictOf([part('listener mx', 'failed', 'no worker accepts'), part('storage', 'failed', '/srv is read-only')]),
    'No mail is accepted: storage: /srv is read-only.',
  );
  assert.equal(verdictOf([part('listener mx', 'starting')]), 'The service starts.');
  assert.equal(verdictOf([]), 'No mail is accepted: no listener is configured.');
  assert.equal(
    verdictOf([part('service', 'stopped', 'SIGTERM')]),
    'The service stops (SIGTERM); what is under way may end.',
  );
  assert.equal(
    verdictOf([part('listener mx', 'running'), part('listener submission', 'failed', 'EADDRINUSE.')], [{ cause: 'y' }]),
    'Mail is accepted; 2 things are not well: listener submission: EADDRINUSE.',
  );
  assert.equal(
    verdictOf([part('listener mx', 'running')], [{ cause: 'The clock is wrong.' }]),
    'Mail is accepted; one thing is not well: The clock is wrong.',
  );
});

test('what a check found of the same event is the deeper cause, and not a second thing', () => {
  const taken = { ...part('listener submission', 'failed', 'EADDRINUSE'), event: 4007 };
  const found = { cause: 'Port 587 is held by exim4 (pid 12).', event: 4007 };
  assert.equal(
    verdictOf([part('listener mx', 'running'), taken], [found]),
    'Mail is accepted; one thing is not well: listener submission: Port 587 is held by exim4 (pid 12).',
  );
  assert.equal(
    verdictOf([taken], [found]),
    'No mail is accepted: listener submission: Port 587 is held by exim4 (pid 12).',
  );
});

test('the worst parts come first, and of those the oldest', () => {
  const parts = [
    part('a', 'running'),
    part('b', 'degraded', '', 2),
    part('c', 'failed'),
    part('d', 'degraded', '', 1),
    part('e', 'starting'),
  ];
  assert.deepEqual(
    worstFirst(parts).map(({ part: name }) => name),
    ['c', 'd', 'b', 'e', 'a'],
  );
});
