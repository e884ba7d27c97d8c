import { connect, type Socket } from 'node:net';

/** One message as a client hands it in. */
export interface Sending {
  readonly from: string;
  readonly to: readonly string[];
  readonly content: string | Buffer;
  /** Parameters of MAIL and of every RCPT. */
  readonly mail?: string;
  readonly rcpt?: string;
  /** BDAT instead of DATA: the content goes octet for octet, without a line end of its own. */
  readonly chunked?: boolean;
}

/** An SMTP client on a real socket. The address it calls from decides whether it is one of ours. */
export class Client {
  readonly socket: Socket;
  #buffer = '';
  #waiting: (() => void) | undefined;
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1');
      this.#waiting?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#waiting?.();
    });
  }

  /** Connects from a local address and says EHLO; resolves after its reply. */
  static async open(port: number, from = '127.0.0.2', to = '127.0.0.1'): Promise<Client> {
    const client = await Client.dial(port, from, to);
    const greeting = await client.reply();
    if (greeting.startsWith('220')) await client.say('EHLO client.test');
    return client;
  }

  static dial(port: number, from = '127.0.0.2', to = '127.0.0.1'): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: to, port, localAddress: from, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Client(socket)));
    });
  }

  /** The next whole reply; '' once the other side has closed. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.#buffer);
      if (match !== null) {
        this.#buffer = this.#buffer.slice(match[0].length);
        return match[0];
      }
      if (this.#closed) return '';
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }

  /** Sends a line and returns its reply. */
  async say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`, 'latin1');
    return this.reply();
  }

  /** Sends lines one by one and returns the code and enhanced status of each reply. */
  async codes(...lines: readonly string[]): Promise<string[]> {
    const codes: string[] = [];
    for (const line of lines) codes.push(statusOf(await this.say(line)));
    return codes;
  }

  /** Sends one message; the reply that decided it, where it was decided early that one. */
  async send({ from, to, content, mail = '', rcpt = '', chunked = false }: Sending): Promise<string> {
    const octets = typeof content === 'string' ? Buffer.from(content) : content;
    const first = await this.say(`MAIL FROM:<${from}>${mail === '' ? '' : ` ${mail}`}`);
    if (!first.startsWith('250')) return first;
    let last = '';
    let accepted = 0;
    for (const one of to) {
      last = await this.say(`RCPT TO:<${one}>${rcpt === '' ? '' : ` ${rcpt}`}`);
      if (last.startsWith('250')) accepted += 1;
    }
    if (accepted === 0) {
      await this.say('RSET');
      return last;
    }
    if (chunked) {
      this.socket.write(`BDAT ${octets.length} LAST\r\n`);
      this.socket.write(octets);
      return this.reply();
    }
    const go = await this.say('DATA');
    if (!go.startsWith('354')) return go;
    this.socket.write(stuffed(octets));
    return this.reply();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Code and enhanced status of a reply's last line. */
export function statusOf(reply: string): string {
  const last = reply.trimEnd().split('\n').at(-1) ?? '';
  return /^\d{3}(?: \d\.\d+\.\d+)?/.exec(last)?.[0] ?? '';
}

/** Content as DATA carries it (RFC 5321 §4.5.2), with the end of data. */
export function stuffed(octets: Buffer): Buffer {
  const text = octets.toString('latin1').replace(/(^|\r\n)\./g, '$1..');
  return Buffer.from(`${text}${text === '' || text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1');
}
