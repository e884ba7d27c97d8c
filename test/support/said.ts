import { connect, type Socket } from 'node:net';
import { SmtpLine } from './ledger-client.ts';

/** Opens a session and greets. */
export async function greeted(port: number): Promise<SmtpLine> {
  const line = await SmtpLine.open(port);
  await line.expect(220);
  await line.say('EHLO client.test', 250);
  return line;
}

/** Opens a connection that says nothing, and adds it to `sockets`; resolves with the first line it is told. */
export function silent(port: number, sockets: Socket[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    sockets.push(socket);
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    socket.on('error', () => resolve('reset'));
    socket.once('close', () => resolve('closed'));
  });
}

/** Sends one short message over an open session and returns when it has been taken. */
export async function sendOver(line: SmtpLine, recipient: string, subject = 'test'): Promise<void> {
  await line.say('MAIL FROM:<sender@client.test>', 250);
  await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  await line.say(`Subject: ${subject}\r\n\r\nbody\r\n.`, 250);
}

/** Sends one short message in a session of its own. */
export async function sendOne(port: number, recipient: string, subject = 'test'): Promise<void> {
  const line = await greeted(port);
  await sendOver(line, recipient, subject);
  await line.say('QUIT', 221);
  line.close();
}
