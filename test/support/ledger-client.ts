import { connect, type Socket } from 'node:net';

/** How a fleet of clients sends. */
export interface FleetOptions {
  readonly port: number;
  readonly sessions: number;
  /** Whether so many acknowledged messages are enough; asked before each further one. */
  readonly enough: (acknowledged: number) => boolean;
  readonly sender: string;
  /** The recipient of a message by its unique name. */
  readonly recipient: (name: string) => string;
  readonly bodyOctets: number;
}

/**
 * Sends messages over parallel sessions and keeps the ledger: the names of those that got a 250. A message whose session broke before
 * its 250 is not sent again under its name, because nobody can know whether it was taken; another one takes its place.
 */
export async function sendWithLedger(
  options: FleetOptions,
): Promise<{ acknowledged: Set<string>; uncertain: Set<string> }> {
  const acknowledged = new Set<string>();
  const uncertain = new Set<string>();
  let next = 0;
  const body = `${'x'.repeat(70)}\r\n`.repeat(Math.ceil(options.bodyOctets / 72));
  const session = async (): Promise<void> => {
    while (!options.enough(acknowledged.size)) {
      const line = await SmtpLine.open(options.port).catch(() => undefined);
      if (line === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      try {
        await line.expect(220);
        await line.say('EHLO ledger.test', 250);
        while (!options.enough(acknowledged.size)) {
          next += 1;
          const name = `m${next}`;
          await line.say(`MAIL FROM:<${options.sender}>`, 250);
          await line.say(`RCPT TO:<${options.recipient(name)}>`, 250);
          await line.say('DATA', 354);
          uncertain.add(name);
          await line.say(`Message-ID: <${name}@ledger.test>\r\nSubject: ${name}\r\n\r\n${body}.`, 250);
          uncertain.delete(name);
          acknowledged.add(name);
        }
        await line.say('QUIT', 221);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20)); // the service was killed, or asks to come again
      } finally {
        line.close();
      }
    }
  };
  await Promise.all(Array.from({ length: options.sessions }, session));
  return { acknowledged, uncertain };
}

/** A plain SMTP connection that says one thing at a time. */
export class SmtpLine {
  readonly #socket: Socket;
  #buffer = '';
  #waiting: { resolve: (reply: string) => void; reject: (error: Error) => void } | undefined;
  #error: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(30_000, () => socket.destroy(new Error('nothing came in 30 s')));
    socket.on('data', (chunk) => {
      this.#buffer += chunk.toString('utf8');
      this.#offer();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('connection closed')));
  }

  static open(port: number, host = '127.0.0.1'): Promise<SmtpLine> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new SmtpLine(socket));
      });
    });
  }

  /** Sends a line and waits for its reply; throws unless the reply has the code. */
  async say(line: string, code: number): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return this.expect(code);
  }

  /** Sends octets as they are; in a text each character is one octet. */
  write(octets: string | Buffer): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Sends without waiting for anything. */
  send(octets: string): void {
    this.#socket.write(octets);
  }

  async expect(code: number): Promise<string> {
    const reply = await this.reply();
    if (!reply.startsWith(String(code))) throw new Error(`expected ${code}, got ${reply}`);
    return reply;
  }

  /** The next whole reply. */
  reply(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#offer();
      if (this.#error !== undefined) this.#fail(this.#error);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #offer(): void {
    const match = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.#buffer);
    if (match === null || this.#waiting === undefined) return;
    this.#buffer = this.#buffer.slice(match[0].length);
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve(match[0]);
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
