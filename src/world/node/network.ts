import * as dgram from 'node:dgram';
import * as net from 'node:net';
import * as tls from 'node:tls';
import type { ByteStream, DialOptions, Listening, Network, TlsContext } from '../ports/network.ts';
import { canonicalAddress, NodeStream } from './stream.ts';

/** Connections that wait in the system to be accepted. */
const BACKLOG = 1024;

function dial(options: DialOptions): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const path = options.address.startsWith('/') ? options.address : '';
    const socket = net.connect({
      allowHalfOpen: true,
      ...(path === ''
        ? { host: options.address, port: options.port, autoSelectFamily: false, noDelay: true }
        : { path }),
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    });
    const limit = setTimeout(() => {
      socket.destroy(
        Object.assign(new Error(`connect ${options.address}:${options.port} timed out`), { code: 'ETIMEDOUT' }),
      );
    }, options.timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(limit);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(limit);
      const stream = new NodeStream(socket, path);
      socket.removeListener('error', fail);
      resolve(stream);
    });
  });
}

function listen(where: Parameters<Network['listen']>[0], accept: (stream: ByteStream) => void): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const path = 'address' in where && where.address.startsWith('/') ? where.address : '';
    let tcp = false;
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      // A client that has gone already has no address any more; it must not be taken for one of a UNIX socket.
      if (tcp && socket.remoteAddress === undefined) return void socket.destroy();
      accept(new NodeStream(socket, socket.remoteAddress === undefined ? path || 'unix' : ''));
    });
    server.once('error', reject);
    const ready = (): void => {
      server.removeListener('error', reject);
      // After the start an accept may fail (EMFILE, ECONNABORTED): the next one is tried anyway.
      server.on('error', () => undefined);
      const bound = server.address();
      tcp = bound !== null && typeof bound !== 'string';
      const local =
        bound === null || typeof bound === 'string'
          ? { address: bound ?? path, port: 0 }
          : { address: canonicalAddress(bound.address), port: bound.port };
      resolve({ local, close: () => new Promise((done) => server.close(() => done())) });
    };
    if ('handle' in where) server.listen(where.handle, ready);
    else if (path !== '') server.listen({ path, backlog: BACKLOG }, ready);
    else server.listen({ host: where.address, port: where.port, ipv6Only: true, backlog: BACKLOG }, ready);
  });
}

/** The machine's sockets. */
export const nodeNetwork: Network = {
  dial,
  listen,

  datagram: (family, receive) =>
    new Promise((resolve, reject) => {
      const socket = dgram.createSocket(family === 4 ? 'udp4' : 'udp6');
      socket.once('error', reject);
      socket.on('message', (bytes, from) =>
        receive(bytes, { address: canonicalAddress(from.address), port: from.port }),
      );
      socket.bind(0, () => {
        socket.removeListener('error', reject);
        // ICMP errors arrive here; a question that gets no answer times out.
        socket.on('error', () => undefined);
        resolve({
          send: (bytes, port, address) => socket.send(bytes, port, address, () => undefined),
          close: () => void socket.close(),
        });
      });
    }),

  tlsContext: (certificatePem, keyPem) =>
    tls.createSecureContext({
      cert: certificatePem,
      key: keyPem,
      minVersion: 'TLSv1.2',
      honorCipherOrder: true,
    }) as unknown as TlsContext, // opaque outside of world/node
};
