import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scene, settled } from '../support/reception.ts';
import { one, show, stage } from '../support/relay-stage.ts';

test('Q197183: a filter that masks banner and EHLO, or swallows verbs, gets plain mail in single steps', async () => {
  const masked = {
    greeting: '220 ************************2******0*00',
    EHLO: '250-************\r\n250-XXXXXXXA\r\n250 XXXXXXXXXB',
  };
  const swallows = { ...masked, EHLO: '500 5.5.1 Command unrecognized: "XXXX"' };
  for (const script of [masked, swallows]) {
    const { attempt, peers } = stage({ '192.0.2.1': script });
    assert.match(show(await attempt(one()))[0] ?? '', /^0 delivered 250/);
    const said = peers[0]?.commands.map((line) => line.split(':', 1)[0]) ?? [];
    assert.deepEqual(said.slice(-3), ['MAIL FROM', 'RCPT TO', 'DATA']);
    assert.equal(said.includes('STARTTLS'), false);
  }
});

/** What a client may say, in any order; a transaction's model beside it says who must get which message. */
const STEPS = ['MAIL', 'RCPT a', 'RCPT b', 'RCPT nobody', 'RSET', 'NOOP', 'EHLO', 'DATA'] as const;

test('Q241502: whatever is pipelined, a message goes to the recipients of its own transaction', async () => {
  const addresses = { 'a@example.test': ['a@example.test'], 'b@example.test': ['b@example.test'] };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...STEPS), { maxLength: 40 }),
      fc.array(fc.nat({ max: 2000 }), { maxLength: 8 }),
      async (steps, cuts) => {
        const { connect, queue } = scene({ addresses, reception: { errorsMax: 100 } });
        const client = connect();
        const expected: { from: string; to: string[] }[] = [];
        let open: { from: string; to: string[] } | undefined;
        let text = 'EHLO c.test\r\n';
        for (const [n, step] of steps.entries()) {
          const [verb, name] = step.split(' ');
          if (verb === 'MAIL') {
            text += `MAIL FROM:<s${n}@remote.test>\r\n`;
            open ??= { from: `s${n}`, to: [] };
          } else if (verb === 'RCPT') {
            text += `RCPT TO:<${name}@example.test>\r\n`;
            if (name !== 'nobody' && open?.to.includes(name ?? '') === false) open.to.push(name ?? '');
          } else if (verb === 'DATA' && open !== undefined && open.to.length > 0) {
            text += `DATA\r\nSubject: ${n}\r\n\r\nRCPT TO:<b@example.test>\r\nRSET\r\n.\r\n`;
            expected.push({ from: open.from, to: open.to.sort() });
            open = undefined;
          } else if (verb !== 'DATA') {
            text += verb === 'EHLO' ? 'EHLO c.test\r\n' : `${verb}\r\n`;
            if (verb !== 'NOOP') open = undefined;
          }
        }
        const ends = [...cuts, text.length].sort((a, b) => a - b);
        let at = 0;
        for (const end of ends) {
          client.feed(text.slice(at, end));
          at = Math.max(at, end);
          await settled();
        }
        for (let turns = 0; turns < 200 && queue.taken.length < expected.length; turns += 1) await settled();
        assert.deepEqual(
          queue.taken.map(({ message }) => ({
            from: message.envelope.reversePath?.localPart,
            to: message.deliveries
              .flatMap(({ recipients }) => recipients.map(({ mailbox }) => mailbox.localPart))
              .sort(),
          })),
          expected,
        );
      },
    ),
    { numRuns: 150 },
  );
});
