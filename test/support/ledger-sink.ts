import { createServer, type Server, type Socket } from 'node:net';

/** A next hop that takes everything and remembers it: by recipient how often it acknowledged one. */
export interface LedgerSink {
  readonly port: number;
  readonly arrivals: ReadonlyMap<string, number>;
  readonly total: number;
  /** The addresses that connected. */
  readonly peers: ReadonlySet<string>;
  /** From now on sessions stop at that place: they read no further within mail data, or do not answer its end. */
  stallAt(place: 'data' | 'end' | undefined): void;
  /** How many sessions stopped so far. */
  readonly stalled: number;
  close(): Promise<void>;
}

/** Starts the sink. It offers PIPELINING and 8BITMIME. */
export function startLedgerSink(port = 0, address = '127.0.0.1'): Promise<LedgerSink> {
  const arrivals = new Map<string, number>();
  const sockets = new Set<Socket>();
  const peers = new Set<string>();
  let total = 0;
  let stallAt: 'data' | 'end' | undefined;
  let stalled = 0;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    peers.add(socket.remoteAddress ?? '');
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let buffer = '';
    let data = false;
    let recipients: string[] = [];
    socket.write('220 sink.test ESMTP\r\n');
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1');
      let out = '';
      for (;;) {
        if (data) {
          const end = buffer.indexOf('\r\n.\r\n');
          if (end === -1) break;
          buffer = buffer.slice(end + 5);
          data = false;
          for (const recipient of recipients) arrivals.set(recipient, (arrivals.get(recipient) ?? 0) + 1);
          total += 1;
          if (stallAt === 'end') {
            stalled += 1;
            continue;
          }
          out += '250 2.0.0 taken\r\n';
          continue;
        }
        const end = buffer.indexOf('\r\n');
        if (end === -1) break;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'EHLO') out += '250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n';
        else if (verb === 'MAIL') {
          recipients = [];
          out += '250 2.1.0 ok\r\n';
        } else if (verb === 'RCPT') {
          recipients.push(/<([^>]*)>/.exec(line)?.[1] ?? '');
          out += '250 2.1.5 ok\r\n';
        } else if (verb === 'DATA') {
          data = true;
          out += '354 go on\r\n';
          if (stallAt === 'data') {
            stalled += 1;
            socket.pause();
          }
        } else if (verb === 'QUIT') {
          socket.end(`${out}221 2.0.0 bye\r\n`);
          return;
        } else out += '250 2.0.0 ok\r\n';
      }
      if (out !== '') socket.write(out);
    });
  });
  return new Promise((resolve) => {
    server.listen(port, address, () => {
      const bound = server.address();
      resolve({
        port: typeof bound === 'object' && bound !== null ? bound.port : 0,
        arrivals,
        peers,
        get total() {
          return total;
        },
        get stalled() {
          return stalled;
        },
        stallAt(place) {
          stallAt = place;
        },
        close: () => {
          for (const socket of sockets) socket.destroy();
          return new Promise((done) => server.close(() => done()));
        },
      });
    });
  });
}
