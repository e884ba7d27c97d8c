/** A name server for scenarios: UDP and TCP on loopback, answering from the text of a zone. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import packet from 'dns-packet';
import { Zone } from '../../src/world/sim/zone.ts';
import { answerQuestion, type ServerFault } from './dns-answer.ts';

/** The running server. */
export interface TestDnsServer {
  /** 'address:port' as the settings take it. */
  readonly server: string;
  readonly port: number;
  /** Questions as 'udp example.com MX', oldest first. */
  readonly asked: readonly string[];
  /** Replaces the zone. */
  load(text: string): void;
  /** Makes every answer a fault, or none. */
  fail(how: ServerFault | undefined): void;
  close(): Promise<void>;
}

/** How the server behaves. */
export interface TestDnsOptions {
  readonly address?: string;
  readonly port?: number;
  /** Octets over which a UDP answer is truncated; default what the question offers. */
  readonly udpMax?: number;
  readonly authenticated?: boolean;
  /** Milliseconds that an answer takes. */
  readonly delayMs?: () => number;
}

/** Starts a server with the zone on the address (127.0.0.1) and a free port. */
export async function startDnsServer(text: string, options: TestDnsOptions = {}): Promise<TestDnsServer> {
  const address = options.address ?? '127.0.0.1';
  const asked: string[] = [];
  let zone = new Zone(text);
  let failing: ServerFault | undefined;

  const respond = (octets: Buffer, via: 'udp' | 'tcp'): Buffer | undefined => {
    const query = packet.decode(octets);
    const question = query.questions?.[0];
    if (question === undefined) return undefined;
    asked.push(`${via} ${question.name} ${question.type}`);
    return answerQuestion(query, zone, {
      failing,
      udpMax: via === 'tcp' ? Number.POSITIVE_INFINITY : options.udpMax,
      authenticated: options.authenticated,
    });
  };

  let closed = false;
  const later = (send: () => unknown): void => {
    const ms = options.delayMs?.() ?? 0;
    if (ms === 0) send();
    else setTimeout(() => !closed && send(), ms);
  };

  const tcp = createServer((socket) => {
    let held = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0);
        const message = respond(held.subarray(2, end), 'tcp');
        held = held.subarray(end);
        if (message === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        later(() => socket.writable && socket.write(Buffer.concat([length, message])));
      }
    });
  });
  await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(options.port ?? 0, address, resolve));
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (octets, from) => {
    const message = respond(octets, 'udp');
    if (message !== undefined) later(() => udp.send(message, from.port, from.address));
  });
  await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(port, address, resolve));

  return {
    server: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    port,
    asked,
    load(next) {
      zone = new Zone(next);
    },
    fail(how) {
      failing = how;
    },
    async close() {
      closed = true;
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await new Promise<void>((resolve) => tcp.close(() => resolve()));
    },
  };
}
