/** A name server for scenarios: UDP and TCP on loopback, answering from the text of a zone. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import packet from 'dns-packet';
import type { RecordType } from '../../src/world/ports/resolver.ts';
import { Zone } from '../../src/world/sim/zone.ts';
import type { ZoneRecord } from '../../src/world/sim/zone.ts';

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
  fail(rcode: 'SERVFAIL' | 'REFUSED' | 'SILENT' | undefined): void;
  close(): Promise<void>;
}

/** How the server behaves. */
export interface TestDnsOptions {
  readonly address?: string;
  readonly port?: number;
  /** Octets over which a UDP answer is truncated; default what the question offers. */
  readonly udpMax?: number;
  readonly authenticated?: boolean;
}

const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

/** Starts a server with the zone on the address (127.0.0.1) and a free port. */
export async function startDnsServer(text: string, options: TestDnsOptions = {}): Promise<TestDnsServer> {
  const address = options.address ?? '127.0.0.1';
  const asked: string[] = [];
  let zone = new Zone(text);
  let failing: 'SERVFAIL' | 'REFUSED' | 'SILENT' | undefined;

  const respond = (octets: Buffer, via: 'udp' | 'tcp'): Buffer | undefined => {
    const query = packet.decode(octets);
    const question = query.questions?.[0];
    if (question === undefined) return undefined;
    asked.push(`${via} ${question.name} ${question.type}`);
    const found = failing === undefined ? zone.look(question.name, question.type as RecordType) : { kind: 'fault' as const, fault: failing };
    if (found.kind === 'fault' && found.fault === 'SILENT') return undefined;
    const rcode = found.kind === 'fault' ? RCODES[found.fault === 'REFUSED' ? 'REFUSED' : 'SERVFAIL'] : found.kind === 'no-such-name' ? RCODES.NXDOMAIN : RCODES.NOERROR;
    const answers = found.kind === 'fault' ? [] : found.aliases.concat(found.kind === 'records' ? found.records : []).map(toAnswer);
    const negative = found.kind === 'no-such-name' || found.kind === 'no-data';
    const opt = query.additionals?.find((record) => record.type === 'OPT');
    const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | rcode | (options.authenticated === true ? packet.AUTHENTIC_DATA : 0);
    const response: packet.Packet = {
      type: 'response',
      id: query.id,
      flags,
      questions: [question],
      answers,
      authorities: negative ? [{ name: 'test', type: 'SOA', ttl: 60, class: 'IN', data: { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 } }] : [],
      additionals: opt === undefined ? [] : [{ name: '.', type: 'OPT', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }],
    };
    const message = packet.encode(response);
    const udpMax = options.udpMax ?? (opt?.type === 'OPT' ? opt.udpPayloadSize : 512);
    if (via === 'tcp' || message.length <= udpMax) return message;
    return packet.encode({ ...response, flags: flags | packet.TRUNCATED_RESPONSE, answers: [], authorities: [] });
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
        socket.write(Buffer.concat([length, message]));
      }
    });
  });
  await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(options.port ?? 0, address, resolve));
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (octets, from) => {
    const message = respond(octets, 'udp');
    if (message !== undefined) udp.send(message, from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(port, address, resolve));

  return {
    server: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    port,
    asked,
    load(next) {
      zone = new Zone(next);
    },
    fail(rcode) {
      failing = rcode;
    },
    async close() {
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await new Promise<void>((resolve) => tcp.close(() => resolve()));
    },
  };
}

function toAnswer(record: ZoneRecord): packet.Answer {
  const base = { name: record.name, ttl: record.ttlSeconds, class: 'IN' as const };
  switch (record.type) {
    case 'MX':
      return { ...base, type: 'MX', data: { preference: record.data.preference, exchange: record.data.exchange === '' ? '.' : record.data.exchange } };
    case 'TXT':
      return { ...base, type: 'TXT', data: [...record.data] };
    case 'SOA':
      return { ...base, type: 'SOA', data: { mname: record.data.primary, rname: '.', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: record.data.minimum } };
    case 'TLSA':
      return { ...base, type: 'TLSA', data: { usage: record.data.usage, selector: record.data.selector, matchingType: record.data.matching, certificate: record.data.data } };
    default:
      return { ...base, type: record.type, data: record.data };
  }
}
