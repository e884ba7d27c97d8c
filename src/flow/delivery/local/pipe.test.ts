import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOf, memoryContent } from '../../../../test/support/claims.ts';
import { printReply } from '../../../mail/reply.ts';
import type { ProgramEnd, ProgramOptions } from '../../../world/ports/process.ts';
import type { World } from '../../../world/world.ts';
import { deliverToProgram, programOutcome } from './pipe.ts';

const END: ProgramEnd = { code: 0, signal: undefined, timedOut: false, output: '' };

for (const [end, expected] of [
  [{ code: 0 }, 'delivered'],
  [
    { code: 75, output: 'later\nmore' },
    'deferred 451 4.3.0 the delivery program asked to try later (exit code 75) / later',
  ],
  [{ code: 71 }, 'deferred 451 4.3.0'],
  [{ code: 74 }, 'deferred 451 4.3.0'],
  [
    { code: 67, output: '\n  no such\x07 user\n' },
    'failed 550 5.1.1 the delivery program refused the message (exit code 67) / no such  user',
  ],
  [{ code: 64 }, 'failed 550 5.3.5'],
  [{ code: 73 }, 'failed 550 5.2.0'],
  [{ code: 77 }, 'failed 550 5.7.1'],
  [{ code: 1 }, 'failed 550 5.3.0'],
  [{ code: undefined, signal: 'SIGSEGV' }, 'deferred 451 4.3.0 the delivery program was ended by SIGSEGV'],
  [{ code: 0, timedOut: true }, 'deferred 451 4.3.0 the delivery program did not end in time'],
] as const) {
  test(`a program that ends with ${JSON.stringify(end)}`, () => {
    const outcome = programOutcome({ ...END, ...end });
    assert.ok(`${outcome.kind} ${outcome.reply === undefined ? '' : printReply(outcome.reply)}`.startsWith(expected));
  });
}

/** A world whose only program keeps what it was given. */
function programs(end: ProgramEnd | Error): {
  world: Pick<World, 'programs' | 'disk'>;
  ran: (ProgramOptions & { input: string })[];
} {
  const ran: (ProgramOptions & { input: string })[] = [];
  const readFile = async (): Promise<Buffer> => Buffer.from('root:x:0:0:::\nvmail:x:150:151::/:/bin/sh\n');
  const run = async (options: ProgramOptions, input: AsyncIterable<Buffer>): Promise<ProgramEnd> => {
    if (end instanceof Error) throw end;
    const parts: Buffer[] = [];
    for await (const part of input) parts.push(part);
    ran.push({ ...options, input: Buffer.concat(parts).toString() });
    return end;
  };
  // The pipe delivery uses nothing else of the disk.
  return { world: { programs: { run }, disk: { readFile } as unknown as World['disk'] }, ran };
}

const claim = claimOf(
  [{ mailbox: { localPart: 'a', domain: 'y.test' }, original: 'rfc822;o@z.test' }],
  memoryContent('Subject: x\r\n\r\n'),
);
const [recipient] = claim.recipients;
assert.ok(recipient);
const PIPE = {
  kind: 'pipe',
  command: ['/bin/x', '-f'],
  timeoutMs: 1000,
  environment: { EXTRA: '1', SENDER: 'spoofed' },
} as const;

test('a program gets the message with its prefix, its user, and who it is for', async () => {
  const { world, ran } = programs(END);
  const outcome = await deliverToProgram(world, { ...PIPE, user: 'vmail' }, claim, recipient, assert.fail);
  assert.equal(outcome.kind, 'delivered');
  const [one] = ran;
  assert.equal(one?.input, 'Return-Path: <s@x.test>\r\nDelivered-To: a@y.test\r\nSubject: x\r\n\r\n');
  assert.deepEqual(one.user, { uid: 150, gid: 151 });
  assert.deepEqual(one.arguments, ['-f']);
  const { SENDER, RECIPIENT, DOMAIN, ORIGINAL_RECIPIENT, EXTRA } = one.environment as Record<string, string>;
  assert.deepEqual(
    [SENDER, RECIPIENT, DOMAIN, ORIGINAL_RECIPIENT, EXTRA],
    ['s@x.test', 'a@y.test', 'y.test', 'o@z.test', '1'],
  );
});

test('a program that cannot be started, or whose user is unknown, defers and is reported', async () => {
  const reported: string[] = [];
  const broken = programs(Object.assign(new Error('spawn'), { code: 'ENOENT' }));
  assert.equal(
    (await deliverToProgram(broken.world, PIPE, claim, recipient, (why) => reported.push(why))).kind,
    'deferred',
  );
  assert.equal(
    (
      await deliverToProgram(programs(END).world, { ...PIPE, user: 'nobody-here' }, claim, recipient, (why) =>
        reported.push(why),
      )
    ).kind,
    'deferred',
  );
  assert.deepEqual(reported, ['ENOENT', 'unknown user nobody-here']);
});
