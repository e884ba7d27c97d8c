/** Name servers that are functions, and time that passes only when told: what a resolver is tried with. */
import assert from 'node:assert/strict';
import packet from 'dns-packet';
import type { Journal } from '../../src/events/journal.ts';
import type { Clock } from '../../src/world/ports/clock.ts';
import type { ByteSink, ByteStream, Endpoint, Network } from '../../src/world/ports/network.ts';

/** What a server answers; undefined is silence. */
export type Respond = (
  query: packet.Packet,
  server: string,
  via: 'udp' | 'tcp',
  edns: boolean,
) => packet.Packet | undefined;

/** Time that passes only when told, and a network where servers are functions. */
export function makeWorld(respond: Respond) {
  let now = 1000;
  const timers = new Set<{ at: number; fn: () => void }>();
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    soon: (fn) => fn(),
    after(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
  };
  const asked: string[] = [];
  const encode = (octets: Buffer, server: string, via: 'udp' | 'tcp'): Buffer | undefined => {
    const query = packet.decode(octets);
    const question = query.questions?.[0];
    asked.push(`${server} ${via} ${question?.name} ${question?.type}`);
    const response = respond(query, server, via, (query.additionals?.length ?? 0) > 0);
    return response === undefined
      ? undefined
      : packet.encode({ type: 'response', id: query.id, questions: query.questions, ...response });
  };
  const network: Network = {
    datagram: async (_family, receive) => ({
      send(octets, port, address) {
        const answer = encode(octets, address, 'udp');
        if (answer !== undefined) queueMicrotask(() => receive(answer, { address, port }));
      },
      close() {},
    }),
    async dial({ address }) {
      let sink: ByteSink | undefined;
      const end: Endpoint = { address, port: 53 };
      const stream = {
        local: end,
        peer: end,
        client: end,
        tls: undefined,
        pendingBytes: 0,
        start(given: ByteSink) {
          sink = given;
        },
        write(octets: Buffer) {
          const answer = encode(octets.subarray(2), address, 'tcp') ?? Buffer.alloc(0);
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          const whole = Buffer.concat([length, answer]);
          queueMicrotask(() => {
            for (const octet of whole) sink?.data(Buffer.from([octet]));
          });
          return true;
        },
        pause() {},
        resume() {},
        end() {},
        destroy() {},
      };
      return stream as unknown as ByteStream;
    },
    listen: () => Promise.reject(new Error('not here')),
    tlsContext: () => assert.fail(),
  };
  return {
    world: { network, clock, random: { bytes: (count: number) => Buffer.alloc(count, 7), fraction: () => 0.5 } },
    asked,
    async pass(ms: number) {
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.fn();
      }
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
    },
  };
}

/** The usual settings. */
export const settings = { timeout: 3000, tries: 3, cacheMax: 100 };
/** Two servers. */
export const two = [
  { address: '192.0.2.1', port: 53 },
  { address: '192.0.2.2', port: 53 },
];
/** An address record. */
export const a = (name: string, ttl = 60): packet.Answer => ({
  name,
  type: 'A',
  ttl,
  class: 'IN',
  data: '198.51.100.1',
});
/** The record that says how long a no holds. */
export const soa: packet.Answer = {
  name: 'test',
  type: 'SOA',
  ttl: 60,
  class: 'IN',
  data: { mname: 'ns.test', rname: 'r.test', minimum: 30 },
};

/** A journal that keeps the names of events. */
export function recording() {
  const names: string[] = [];
  const journal: Journal = { emit: (name) => void names.push(name) };
  return { journal, names };
}
