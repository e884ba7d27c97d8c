import { errnoOf } from '../../../events/fault.ts';
import type { Outcome } from '../../../mail/outcome.ts';
import { printMailbox } from '../../../mail/mailbox.ts';
import type { ProgramEnd } from '../../../world/ports/process.ts';
import type { World } from '../../../world/world.ts';
import type { Claim, ClaimedRecipient } from '../../queue/port.ts';
import type { LocalDelivery } from '../../routing/port.ts';
import { PROGRAM_LINE_MAX, PROGRAM_OUTPUT_BYTES_MAX } from '../limits.ts';
import { deliveryReplies } from '../replies.ts';
import { deliveryPrefix } from './message.ts';
import { systemUser } from './system-user.ts';

type Pipe = Extract<LocalDelivery, { kind: 'pipe' }>;

const PATH = '/usr/local/bin:/usr/bin:/bin';

/** Gives the message to a program, without a shell. `notStarted` hears of a program that cannot be run. */
export async function deliverToProgram(
  world: Pick<World, 'programs' | 'disk'>,
  pipe: Pipe,
  claim: Claim,
  recipient: ClaimedRecipient,
  notStarted: (why: string) => void,
): Promise<Outcome> {
  const [command, ...rest] = pipe.command;
  if (command === undefined) return deferred(deliveryReplies.programNotStarted('no command'));
  try {
    const user = pipe.user === undefined ? undefined : await systemUser(world.disk, pipe.user);
    if (pipe.user !== undefined && user === undefined) {
      notStarted(`unknown user ${pipe.user}`);
      return deferred(deliveryReplies.programUserUnknown(pipe.user));
    }
    const end = await world.programs.run(
      {
        command,
        arguments: rest,
        environment: { PATH, ...pipe.environment, ...messageEnvironment(claim, recipient) },
        ...(user === undefined ? {} : { user }),
        timeoutMs: pipe.timeoutMs,
        outputBytesMax: PROGRAM_OUTPUT_BYTES_MAX,
      },
      prefixed(deliveryPrefix(claim, recipient), claim),
    );
    return programOutcome(end);
  } catch (error) {
    const why = errnoOf(error) || (error instanceof Error ? error.message : String(error));
    notStarted(why);
    return deferred(deliveryReplies.programNotStarted(why));
  }
}

/** What the program learns about the message. NUL cannot stand in an environment. */
function messageEnvironment(claim: Claim, recipient: ClaimedRecipient): Record<string, string> {
  const { reversePath } = claim.envelope;
  const { mailbox, original } = recipient;
  const clean = (text: string): string => text.replaceAll('\0', '');
  return {
    SENDER: clean(reversePath === null ? '' : printMailbox(reversePath)),
    RECIPIENT: clean(printMailbox(mailbox)),
    LOCAL: clean(mailbox.localPart),
    DOMAIN: clean(mailbox.domain),
    ORIGINAL_RECIPIENT: clean(original?.slice(original.indexOf(';') + 1) ?? printMailbox(mailbox)),
    QUEUE_ID: claim.queueId,
    MESSAGE_ID: clean(claim.messageId),
  };
}

async function* prefixed(prefix: Buffer, claim: Claim): AsyncGenerator<Buffer> {
  yield prefix;
  if (claim.content.whole !== undefined) yield claim.content.whole;
  else yield* claim.content.chunks();
}

/** The exit codes of sysexits.h that ask for another try: OSERR, IOERR, TEMPFAIL. */
const TRANSIENT = new Set([71, 74, 75]);
/** The subject and detail of RFC 3463 for the others. */
const DETAILS: Readonly<Record<number, string>> = {
  64: '3.5',
  65: '6.0',
  67: '1.1',
  68: '1.2',
  70: '3.0',
  73: '2.0',
  76: '5.0',
  77: '7.1',
  78: '3.5',
};

/** The outcome that the end of a program means. */
export function programOutcome(end: ProgramEnd): Outcome {
  if (end.timedOut) return deferred(deliveryReplies.programTimedOut());
  if (end.code === undefined) return deferred(deliveryReplies.programKilled(end.signal ?? 'a signal'));
  if (end.code === 0)
    return {
      kind: 'delivered',
      how: 'delivered',
      dsnPassed: false,
      reply: deliveryReplies.delivered('delivered to a program'),
    };
  const said = firstLine(end.output);
  if (TRANSIENT.has(end.code)) return deferred(deliveryReplies.programDeferred(end.code, said));
  return { kind: 'failed', reply: deliveryReplies.programFailed(end.code, DETAILS[end.code] ?? '3.0', said) };
}

function firstLine(output: string): string {
  const line = output.trimStart().split('\n', 1)[0] ?? '';
  // Control characters must not reach a reply.
  return line
    .slice(0, PROGRAM_LINE_MAX)
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .trim();
}

function deferred(reply: Outcome['reply'] & object): Outcome {
  return { kind: 'deferred', reply };
}
