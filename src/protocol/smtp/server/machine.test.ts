import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { PurePeer } from '../../../../test/support/pure-peer.ts';
import { defaultOffer, parseTranscript, type Transcript } from '../../../../test/support/transcript.ts';
import {
  viewsMax,
  droppedContentMax,
  heldRepliesMax,
  idleCommandsMax,
  keptLineMax,
  passwordMax,
  shownLineMax,
  userNameMax,
} from '../limits.ts';
import { replies } from '../replies.ts';
import { createServerMachine } from './machine.ts';
import type { Effect, ServerOffer } from './port.ts';

const FOLDER = 'test/transcripts';
const corpus: readonly Transcript[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.smtp'))
  .map((name) => parseTranscript(readFileSync(`${FOLDER}/${name}`, 'utf8')));
/** All that the client of a transcript says, TLS or not. */
const dialogues = corpus.map(({ steps }) =>
  Buffer.concat(steps.map((step) => (step.kind === 'send' ? step.octets : Buffer.alloc(0)))),
);

const dialogue = fc.constantFrom(...dialogues);
const offers: readonly ServerOffer[] = [
  { ...defaultOffer, errorsMax: 1000 },
  { ...defaultOffer, bareLineEndings: 'normalise', messageSizeMax: 40, recipientsMax: 2, messagesMax: 3 },
  {
    ...defaultOffer,
    profile: 'submission',
    authRequired: true,
    authInClear: true,
    mechanisms: ['PLAIN', 'LOGIN'],
    startTls: 'offered',
    errorsMax: 1000,
  },
  { ...defaultOffer, profile: 'lmtp', etrn: true, errorsMax: 1000 },
];
const offer = fc.constantFrom(...offers);

function play(given: ServerOffer, octets: Buffer, pieceSize: number): PurePeer {
  const peer = new PurePeer({ offer: given, answers: [], tls: false }, pieceSize);
  peer.send(octets);
  return peer;
}

/** Effects as they count: what was said, and all else in order with content joined. */
function essence(effects: readonly Effect[]): { said: string; rest: string[] } {
  let said = '';
  const rest: string[] = [];
  let content = '';
  for (const effect of effects) {
    if (effect.kind === 'send' || effect.kind === 'start-tls') said += effect.octets;
    if (effect.kind === 'send') continue;
    if (effect.kind === 'content') content += effect.chunk.toString('latin1');
    else {
      // Content of a message that is refused later may or may not have been handed over by then.
      if (content !== '' && effect.kind !== 'abandon') rest.push(content);
      content = '';
      rest.push(JSON.stringify(effect));
    }
  }
  return { said, rest };
}

test('how octets are cut changes nothing', () => {
  fc.assert(
    fc.property(
      offer,
      fc.array(dialogue, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 50 }),
      (given, parts, size) => {
        const octets = Buffer.concat(parts).subarray(0, 6000);
        assert.deepEqual(essence(play(given, octets, size).effects), essence(play(given, octets, Infinity).effects));
      },
    ),
    { numRuns: 300 },
  );
});

test('damaged dialogues do no damage', () => {
  const damage = fc.record({
    at: fc.nat(),
    remove: fc.nat(20),
    insert: fc.constantFrom(
      '',
      '\r',
      '\n',
      '\r\n',
      '.',
      '\r\n.\r\n',
      '\0',
      '\xff',
      'BDAT 5 LAST\r\n',
      'DATA\r\n',
      ' ',
      '<',
      '>',
      '"',
      'x'.repeat(3000),
    ),
  });
  fc.assert(
    fc.property(
      offer,
      dialogue,
      fc.array(damage, { maxLength: 6 }),
      fc.integer({ min: 1, max: 3000 }),
      (given, seed, damages, size) => {
        let text = seed.toString('latin1').slice(0, 4000);
        for (const { at, remove, insert } of damages) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + insert + text.slice(place + remove);
        }
        const peer = play(given, Buffer.from(text, 'latin1'), size);
        assert.ok(peer.machine.bufferedBytes <= keptLineMax + 1);
        const open = peer.effects.filter((effect) => effect.kind === 'close').length;
        assert.ok(open <= 1);
        checkTransactions(peer.effects);
      },
    ),
    { numRuns: 1500 },
  );
});

/** Between the answer that allows content and its end there is one message or one abandon, never both, never content without leave. */
function checkTransactions(effects: readonly Effect[]): void {
  let open = false;
  for (const effect of effects) {
    if (effect.kind === 'ask' && effect.question.about === 'data') open = true;
    if (effect.kind === 'content') assert.ok(open, 'content only while a message is open');
    if (effect.kind === 'ask' && effect.question.about === 'message') assert.ok(open, 'a message is asked about once');
    if (effect.kind === 'abandon' || (effect.kind === 'ask' && effect.question.about === 'message')) open = false;
  }
}

const begun = Buffer.from(
  'HELO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@d.test>\r\nDATA\r\n',
);

test('the replies of a pipelined group are one send', () => {
  const peer = play(defaultOffer, begun, Infinity);
  const sends = peer.effects.filter((effect) => effect.kind === 'send');
  assert.equal(sends.length, 3);
  assert.equal(sends[2]?.octets.split('\r\n').length, 5);
});

test('the content of a message in one chunk is one view of that chunk', () => {
  const peer = new PurePeer({ offer: defaultOffer, answers: [], tls: false });
  peer.send(begun);
  const chunk = Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(57).concat('.\r\n'));
  const effects = peer.machine.receive(chunk);
  assert.deepEqual(
    effects.map((effect) => effect.kind),
    ['content', 'ask'],
  );
  const [content, ask] = effects;
  assert.ok(content?.kind === 'content' && content.chunk.buffer === chunk.buffer && content.chunk.length === 57 * 72);
  assert.ok(ask?.kind === 'ask');
  assert.deepEqual(ask.question, { about: 'message', sizeBytes: 57 * 72, eightBit: false });
});

test('content is given up once, as soon as it is refused', () => {
  const peer = play(defaultOffer, Buffer.concat([begun, Buffer.from('a\nb\r\nc\r\n')]), 3);
  assert.equal(peer.machine.waiting, 'data');
  assert.equal(peer.effects.filter((effect) => effect.kind === 'abandon').length, 1);
  peer.happen('timeout');
  assert.equal(peer.effects.filter((effect) => effect.kind === 'abandon').length, 1);
  assert.equal(peer.machine.waiting, 'closed');
});

test('credentials are not shown', () => {
  const peer = play(
    { ...defaultOffer, mechanisms: ['PLAIN'], authInClear: true },
    Buffer.from('EHLO c\r\nAUTH PLAIN AGFsaWNlAHdyb25n\r\nAUTH PLAIN\r\nAGFsaWNlAHdyb25n\r\n'),
    Infinity,
  );
  const refused = peer.effects.filter((effect) => effect.kind === 'refused');
  assert.deepEqual(
    refused.map((effect) => effect.line),
    ['AUTH PLAIN', 'AUTH PLAIN'],
  );
});

test('the lines of a login that was refused, pipelined by a client that did not wait, are not shown', () => {
  const peer = play(
    defaultOffer,
    Buffer.from('EHLO c\r\nAUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\nNOOP\r\nFOO bar\r\n'),
    Infinity,
  );
  const refused = peer.effects.filter((effect) => effect.kind === 'refused');
  assert.deepEqual(
    refused.map((effect) => effect.line),
    ['AUTH LOGIN', '', '', 'FOO bar'],
  );
});

test('while a question is open commands wait, and an answer that comes too late is dropped', () => {
  const machine = createServerMachine(defaultOffer);
  assert.deepEqual(
    machine.open(false).map((effect) => effect.kind),
    ['ask'],
  );
  assert.equal(machine.waiting, 'answer');
  assert.deepEqual(machine.receive(Buffer.from('HELO c.test\r\n')), []);
  assert.equal(machine.bufferedBytes, 13);
  assert.deepEqual(
    machine.answer({ reply: replies.ok }).map((effect) => effect.kind),
    ['send', 'ask'],
  );
  assert.deepEqual(
    machine.timedOut().map((effect) => effect.kind),
    ['refused', 'send', 'close'],
  );
  assert.deepEqual(machine.answer({ reply: replies.ok }), []);
  assert.deepEqual(machine.receive(Buffer.from('NOOP\r\n')), []);
});

test('commands that bring no mail further become errors', () => {
  const peer = play({ ...defaultOffer, errorsMax: 3 }, Buffer.from('NOOP\r\n'.repeat(idleCommandsMax + 10)), Infinity);
  assert.equal(peer.machine.waiting, 'closed');
  assert.equal(peer.machine.facts.errors, 3);
});

test('replies held for a group do not grow without bound', () => {
  const given = { ...defaultOffer, recipientsMax: 10_000 };
  const peer = play(given, Buffer.from(`HELO c\r\nMAIL FROM:<>\r\n${'RCPT TO:<a@b.test>\r\n'.repeat(2000)}`), Infinity);
  for (const effect of peer.effects) assert.ok(effect.kind !== 'send' || effect.octets.length < heldRepliesMax + 600);
});

test('the facts follow the session', () => {
  const peer = play(defaultOffer, Buffer.concat([begun, Buffer.from('.\r\n')]), Infinity);
  assert.deepEqual(peer.machine.facts, {
    greetingName: 'c.test',
    extended: false,
    tls: false,
    account: undefined,
    forwarded: undefined,
    messages: 1,
    errors: 0,
  });
});

test('a long list with some members gone is not ended, a guesser of addresses is', () => {
  const answers = [{ about: 'recipient' as const, who: 'gone@d.test', reply: replies.recipientUnknown }];
  const list = ['a', 'gone', 'b', 'gone', 'c', 'gone', 'd', 'gone', 'e', 'gone']
    .map((name) => `RCPT TO:<${name}@d.test>\r\n`)
    .join('');
  const session = (recipients: string) => {
    const peer = new PurePeer({ offer: { ...defaultOffer, errorsMax: 3 }, answers, tls: false });
    peer.send(Buffer.from(`HELO c.test\r\nMAIL FROM:<a@b.test>\r\n${recipients}`));
    return peer.machine.waiting;
  };
  assert.equal(session(list), 'command');
  assert.equal(session('RCPT TO:<gone@d.test>\r\n'.repeat(3)), 'closed');
});

test('refused content that does not end is not read for ever', () => {
  const peer = play(defaultOffer, Buffer.from(`HELO c.test\r\nBDAT ${4 * droppedContentMax}\r\n`), Infinity);
  const mebibyte = Buffer.alloc(1024 ** 2);
  for (let i = 0; i * mebibyte.length <= droppedContentMax; i++) assert.deepEqual(peer.machine.receive(mebibyte), []);
  const effects = peer.machine.receive(mebibyte);
  assert.deepEqual(
    effects.map((effect) => effect.kind),
    ['refused', 'send', 'close'],
  );
});

test('names and passwords of a login have limits, and lines are shown in part', () => {
  const login = (user: string, password: string) => {
    const response = Buffer.from(`\0${user}\0${password}`).toString('base64');
    const given = { ...defaultOffer, mechanisms: ['PLAIN'], authInClear: true } as const;
    const peer = play(given, Buffer.from(`EHLO c.test\r\nAUTH PLAIN ${response}\r\n`), Infinity);
    return peer.effects.some((effect) => effect.kind === 'ask' && effect.question.about === 'login');
  };
  assert.equal(login('u'.repeat(userNameMax), 'p'.repeat(passwordMax)), true);
  assert.equal(login('u'.repeat(userNameMax + 1), 'p'), false);
  assert.equal(login('u', 'p'.repeat(passwordMax + 1)), false);
  const refused = play(defaultOffer, Buffer.from(`${'x'.repeat(400)}\r\n`), Infinity).effects.at(-2);
  assert.ok(refused?.kind === 'refused' && refused.line.length === shownLineMax);
});

test('content in small views is handed over joined', () => {
  const peer = new PurePeer({ offer: defaultOffer, answers: [], tls: false });
  peer.send(begun);
  const contents = (lines: number) =>
    peer.machine.receive(Buffer.from('..\r\n'.repeat(lines))).filter((effect) => effect.kind === 'content');
  assert.equal(contents(viewsMax - 1).length, viewsMax - 1);
  const [joined, ...more] = contents(1000);
  assert.ok(joined?.kind === 'content' && joined.chunk.equals(Buffer.from('.\r\n'.repeat(1000))) && more.length === 0);
});

test('a chunk that is announced too big is given up before it comes', () => {
  const given = { ...defaultOffer, messageSizeMax: 10 };
  const peer = play(
    given,
    Buffer.from('HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nBDAT 11 LAST\r\n123'),
    Infinity,
  );
  assert.equal(peer.effects.filter((effect) => effect.kind === 'content').length, 0);
  assert.equal(peer.effects.filter((effect) => effect.kind === 'abandon').length, 1);
  peer.send(Buffer.from('45678901NOOP\r\n'));
  assert.deepEqual(
    peer.effects.slice(-2).map((effect) => effect.kind),
    ['refused', 'send'],
  );
});
