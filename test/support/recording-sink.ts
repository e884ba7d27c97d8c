import { createServer, type Server, type Socket } from 'node:net';
import { until } from './programs.ts';

/** A message that a sink took. */
export interface RecordedMessage {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, with transparency undone; one char an octet. */
  readonly content: string;
  /** When it was about to be acknowledged: nanoseconds of the machine's monotonic clock. */
  readonly takenAtNs: number;
}

/** How a sink behaves where it is not to say yes. */
export interface SinkOptions {
  readonly address?: string;
  readonly port?: number;
  /** EHLO keywords; default PIPELINING and 8BITMIME. */
  readonly keywords?: readonly string[];
  /** The reply to a command line, to '' (the greeting), or to '.'; undefined means the usual one; 'hang up' ends the connection. */
  readonly answer?: (line: string) => string | undefined;
}

/** A next hop that keeps what it took. */
export interface RecordingSink {
  readonly address: string;
  readonly port: number;
  readonly messages: readonly RecordedMessage[];
  /** Connections that were made to it so far. */
  readonly connections: number;
  /** Every command line it heard. */
  readonly heard: readonly string[];
  /** Waits for a message to a recipient. */
  taken(recipient: string): Promise<RecordedMessage>;
  close(): Promise<void>;
}

/** Starts a sink on an address of loopback (127.0.0.1) and a free port. */
export async function startRecordingSink(options: SinkOptions = {}): Promise<RecordingSink> {
  const messages: RecordedMessage[] = [];
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const address = options.address ?? '127.0.0.1';
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    converse(socket, options, heard, (message) => messages.push(message));
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(options.port ?? 0, address, resolve),
  );
  return {
    address,
    port: portOf(server),
    messages,
    heard,
    get connections() {
      return connections;
    },
    taken: (recipient) =>
      until(
        () => `the sink at ${address} has no message for ${recipient}; it heard ${heard.join(' | ')}`,
        () => messages.find(({ to }) => to.includes(recipient)),
      ),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Starts a sink on each of the addresses, all on one port that was free on the first. */
export async function startSinks(
  addresses: readonly string[],
  options: (address: string) => SinkOptions = () => ({}),
): Promise<{ port: number; sinks: RecordingSink[] }> {
  for (let tries = 0; ; tries += 1) {
    const sinks: RecordingSink[] = [];
    try {
      for (const address of addresses)
        sinks.push(await startRecordingSink({ ...options(address), address, port: sinks[0]?.port ?? 0 }));
      return { port: sinks[0]?.port ?? 0, sinks };
    } catch (error) {
      for (const sink of sinks) await sink.close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === 20) throw error;
    }
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function converse(
  socket: Socket,
  options: SinkOptions,
  heard: string[],
  keep: (message: RecordedMessage) => void,
): void {
  const keywords = options.keywords ?? ['PIPELINING', '8BITMIME'];
  let buffer = '';
  let inData = false;
  let from = '';
  let to: string[] = [];
  const reply = (line: string, usual: string): boolean => {
    const said = options.answer?.(line) ?? usual;
    if (said === 'hang up') socket.destroy();
    else socket.write(`${said}\r\n`);
    return said === usual;
  };
  const command = (line: string): void => {
    heard.push(line);
    const verb = line.slice(0, 4).toUpperCase();
    const path = /<([^>]*)>/.exec(line)?.[1] ?? '';
    if (verb === 'EHLO' || verb === 'LHLO') {
      const lines = ['sink.test', ...keywords];
      reply(line, lines.map((each, i) => `250${i === lines.length - 1 ? ' ' : '-'}${each}`).join('\r\n'));
    } else if (verb === 'MAIL') {
      to = [];
      from = path;
      reply(line, '250 2.1.0 ok');
    } else if (verb === 'RCPT') {
      if (reply(line, '250 2.1.5 ok')) to.push(path);
    } else if (verb === 'DATA') inData = reply(line, '354 go on');
    else if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n');
    else reply(line, '250 2.0.0 ok');
  };
  reply('', '220 sink.test ESMTP');
  socket.on('data', (chunk) => {
    buffer += chunk.toString('latin1');
    for (;;) {
      const mark = inData ? '\r\n.\r\n' : '\r\n';
      // An empty message is the mark without the line end before it.
      const end = inData && buffer.startsWith('.\r\n') ? -2 : buffer.indexOf(mark);
      if (end === -1) return;
      const text = end === -2 ? '' : buffer.slice(0, end);
      buffer = buffer.slice(end + mark.length);
      if (!inData) command(text);
      else {
        inData = false;
        heard.push('.');
        const takenAtNs = Number(process.hrtime.bigint());
        if (reply('.', '250 2.0.0 taken'))
          keep({ from, to, content: `${text}\r\n`.replace(/(^|\r\n)\./g, '$1'), takenAtNs });
      }
    }
  });
}
