import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../../test/support/claims.ts';
import { runAction, type OperatorContext } from './index.ts';

test('an action that breaks is told, and answered in words', async () => {
  const journal = memoryJournal();
  const context = {
    journal,
    supervisor: { status: () => Promise.reject(new Error('a defect')), measures: async () => ({}) },
    workers: { call: async () => [] },
    movement: async () => ({}),
  };
  const end = await runAction(context as unknown as OperatorContext, 'status', {}, { item: () => undefined } as never); // the parts that this action uses
  assert.ok(!end.ok && end.error.kind === 'failed');
  assert.match(end.error.message, /a defect/);
  assert.deepEqual(journal.names, ['control.action-failed']);
});
