/** A host that holds mail for us and gives it out by ATRN (RFC 2645): after 250 it is the client on the same connection. */
import { createHmac } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Raw } from './peer.ts';

/** What it holds and knows. */
export interface Held {
  readonly user: string;
  readonly password: string;
  /** Recipients of messages that it holds; one transaction each. Taken out as they are accepted. */
  readonly recipients: string[];
  /** The answer to ATRN in place of what it holds. */
  refuses?: string;
}

/** What was said on its connections: commands of ours while we are the client, replies of ours afterwards. */
export interface Odmr {
  readonly commands: string[];
  readonly replies: string[];
  readonly take: Raw;
}

const CHALLENGE = '<1896.697170952@provider.test>';

/** Makes the host. */
export function odmr(held: Held): Odmr {
  const commands: string[] = [];
  const replies: string[] = [];
  return { commands, replies, take: (socket) => void converse(socket, held, commands, replies).catch(() => undefined) };
}

async function converse(socket: Socket, held: Held, commands: string[], replies: string[]): Promise<void> {
  const lines = linesOf(socket);
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const expected = `${held.user} ${createHmac('md5', held.password).update(CHALLENGE).digest('hex')}`;
  let known = false;
  say('220 provider.test ODMR ready');
  for (;;) {
    const line = await lines.next();
    commands.push(line);
    const verb = line.split(' ')[0]?.toUpperCase();
    if (verb === 'EHLO') say('250-provider.test\r\n250-AUTH CRAM-MD5 PLAIN\r\n250 ATRN');
    else if (verb === 'AUTH') {
      if (line !== 'AUTH CRAM-MD5') say('504 5.5.4 not over this connection');
      else {
        say(`334 ${Buffer.from(CHALLENGE).toString('base64')}`);
        known = Buffer.from(await lines.next(), 'base64').toString() === expected;
        say(known ? '235 2.7.0 welcome' : '535 5.7.8 wrong');
      }
    } else if (verb === 'QUIT') {
      say('221 2.0.0 bye');
      socket.end();
      return;
    } else if (verb !== 'ATRN') say('500 5.5.1 what?');
    else if (!known) say('530 5.7.0 authentication required');
    else if (held.refuses !== undefined) say(held.refuses);
    else if (held.recipients.length === 0) say('453 You have no mail');
    else {
      say('250 OK now reversing the connection');
      return deliver(lines, say, socket, held, replies);
    }
  }
}

/** The roles have turned: it waits for our greeting and sends. */
async function deliver(
  lines: Lines,
  say: (line: string) => void,
  socket: Socket,
  held: Held,
  replies: string[],
): Promise<void> {
  const reply = async (): Promise<string> => {
    let line = await lines.next();
    while (/^\d{3}-/.test(line)) line = await lines.next();
    replies.push(line);
    return line;
  };
  const command = (line: string): Promise<string> => {
    say(line);
    return reply();
  };
  await reply();
  await command('EHLO provider.test');
  for (const recipient of held.recipients.splice(0)) {
    await command('MAIL FROM:<sender@far.test>');
    if (!(await command(`RCPT TO:<${recipient}>`)).startsWith('250')) {
      await command('RSET');
      continue;
    }
    await command('DATA');
    await command(`From: sender@far.test\r\nTo: ${recipient}\r\nSubject: held\r\n\r\nheld for you\r\n.`);
  }
  await command('QUIT');
  socket.end();
}

interface Lines {
  next(): Promise<string>;
}

function linesOf(socket: Socket): Lines {
  let held = '';
  let over = false;
  let wake: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    held += chunk.toString('latin1');
    wake();
  });
  socket.on('close', () => {
    over = true;
    wake();
  });
  return {
    async next() {
      for (;;) {
        const end = held.indexOf('\r\n');
        if (end !== -1) {
          const line = held.slice(0, end);
          held = held.slice(end + 2);
          return line;
        }
        if (over) throw new Error('the connection is over');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
