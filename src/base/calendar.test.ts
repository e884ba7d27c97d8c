import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printInstant, printMailDate } from './calendar.ts';

test('the calendar agrees with that of the language', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1900-01-01T00:00:00Z'), max: new Date('2399-12-31T00:00:00Z'), noInvalidDate: true }),
      (date) => {
        assert.equal(printInstant(date.getTime()), date.toISOString());
        assert.equal(printMailDate(date.getTime()), date.toUTCString().replace('GMT', '+0000'));
      },
    ),
  );
});

test('leap days exist where they should', () => {
  assert.equal(printMailDate(Date.UTC(2000, 1, 29, 23, 59, 59)), 'Tue, 29 Feb 2000 23:59:59 +0000');
  assert.equal(printMailDate(Date.UTC(2100, 2, 1)), 'Mon, 01 Mar 2100 00:00:00 +0000');
});
