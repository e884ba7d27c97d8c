/** Proxies that behave as a test says, each at a port of its own. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What a proxy does with a connection: `heard` gives what came since the last call, once anything did. */
export type Behaviour = (socket: Socket, heard: () => Promise<Buffer>) => Promise<unknown> | unknown;

/** One proxy. */
export interface ScriptedProxy {
  readonly port: number;
  behaviour: Behaviour;
  /** Connections that were made to it. */
  connections: number;
  close(): Promise<void>;
}

/** Starts one at a free port of loopback. */
export async function startScriptedProxy(behaviour: Behaviour): Promise<ScriptedProxy> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    proxy.connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    void Promise.resolve(proxy.behaviour(socket, readerOf(socket))).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const proxy: ScriptedProxy = {
    port: (server.address() as AddressInfo).port,
    behaviour,
    connections: 0,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}

function readerOf(socket: Socket): () => Promise<Buffer> {
  let held = Buffer.alloc(0);
  let wake: (() => void) | undefined;
  const take = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    wake?.();
  };
  socket.on('data', take);
  return async () => {
    if (held.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const out = held;
    held = Buffer.alloc(0);
    return out;
  };
}

/** A reply of RFC 1928 §6 with an IPv4 address as the bound one. */
export const socksReply = (code: number): Buffer => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);

/** SOCKS 5 up to the request, which is given back. */
export async function socksRequest(socket: Socket, heard: () => Promise<Buffer>): Promise<Buffer> {
  await heard();
  socket.write(Buffer.from([5, 0]));
  return heard();
}

/** Joins a connection with that port of loopback, both ways, from now on. */
export function joinTo(socket: Socket, port: number): Socket {
  const far = connect({ host: '127.0.0.1', port, noDelay: true });
  far.on('error', () => socket.destroy());
  far.on('close', () => socket.destroy());
  socket.on('close', () => far.destroy());
  socket.removeAllListeners('data');
  socket.pipe(far).pipe(socket);
  return far;
}

/** A SOCKS 5 proxy that works, whatever host is asked for: all of them are at that port; `reply` is its answer. */
export const goodSocks =
  (port: number, reply: Buffer = socksReply(0)): Behaviour =>
  async (socket, heard) => {
    await socksRequest(socket, heard);
    socket.write(reply);
    joinTo(socket, port);
  };

/** The same in HTTP. */
export const goodHttp =
  (port: number, reply = 'HTTP/1.1 200 Connection established\r\n\r\n'): Behaviour =>
  async (socket, heard) => {
    await heard();
    socket.write(reply);
    joinTo(socket, port);
  };

/** Says this to whatever it hears first, and closes. */
export const answers =
  (text: string | Buffer): Behaviour =>
  async (socket, heard) => {
    await heard();
    socket.end(text);
  };

/** A server of another protocol, which greets first. */
export const greets =
  (text: string): Behaviour =>
  (socket) =>
    void socket.write(text);

/** SOCKS 5 that answers every request so, and closes. */
export const socksAnswers =
  (reply: Buffer): Behaviour =>
  async (socket, heard) => {
    await socksRequest(socket, heard);
    socket.end(reply);
  };
