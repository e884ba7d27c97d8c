import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { encodeSignatureQuestion, readSignatures } from '../../../protocol/dns/signatures.ts';
import type { Parts } from '../check.ts';
import type { Verdict } from '../verdict.ts';
import { clockFitsSignatures } from './clock-signatures.ts';

const DAY = 86_400;
/** When the zones were signed last. */
const SIGNED = Date.UTC(2026, 5, 1) / 1000;

/** A name server whose zones were signed at these times, for so many days. */
function network(signed: Readonly<Record<string, readonly [fromS: number, days: number]>>): Parts['network'] {
  return {
    dial: () => Promise.reject(new Error('nobody answers')),
    async datagram(_family, receive) {
      return {
        send(bytes, port, address) {
          const query = packet.decode(bytes);
          const name = query.questions?.[0]?.name ?? '';
          const [fromS, days] = signed[name === '.' ? '' : name] ?? [];
          const data = {
            typeCovered: 'SOA' as const,
            algorithm: 8,
            labels: 1,
            originalTTL: 60,
            inception: fromS ?? 0,
            expiration: (fromS ?? 0) + (days ?? 0) * DAY,
            keyTag: 1,
            signersName: name,
            signature: Buffer.from('x'),
          };
          const answers: packet.Answer[] = fromS === undefined ? [] : [{ name, type: 'RRSIG', ttl: 60, data }];
          receive(packet.encode({ type: 'response', id: query.id ?? 0, questions: query.questions ?? [], answers }), {
            address,
            port,
          });
        },
        close: () => undefined,
      };
    },
  };
}

const PUBLIC = { '': [SIGNED - DAY, 13], com: [SIGNED, 7], org: [SIGNED - DAY / 4, 21] } as const;

function look(nowS: number, signed: Parameters<typeof network>[0] = PUBLIC): Promise<Verdict> {
  return lookWith(clockFitsSignatures, {
    settings: settingsOf('server: { name: mail.company.com, data: /srv/ims }\n', '{ profile: mx, address: 0.0.0.0 }'),
    nowMs: nowS * 1000,
    more: {
      network: network(signed),
      random: { bytes: (length) => Buffer.alloc(length, 7) } as Parts['random'],
      nameServers: { servers: [{ address: '192.0.2.53', port: 53 }], from: 'settings', named: true },
    },
  });
}

test('a clock before what was signed is behind, one after all of it ahead, each with how far', async () => {
  assert.equal((await look(SIGNED + DAY / 2)).kind, 'healthy');
  const behind = await look(SIGNED - 3 * DAY);
  assert.match(behind.kind === 'unhealthy' ? behind.cause : '', /The clock is behind by 3 days or more/);
  const ahead = await look(SIGNED + 40 * DAY);
  assert.match(ahead.kind === 'unhealthy' ? ahead.cause : '', /The clock is ahead by 40 days, about/);
});

test('some minutes, an old copy of one zone, a private root, and servers without signatures alarm nobody', async () => {
  assert.equal((await look(SIGNED - 300)).kind, 'healthy');
  assert.equal((await look(SIGNED + DAY, { ...PUBLIC, '': [SIGNED - 30 * DAY, 13] })).kind, 'healthy');
  assert.equal((await look(SIGNED + 400 * DAY, { '': [SIGNED, 13] })).kind, 'healthy');
  assert.equal((await look(SIGNED, {})).kind, 'not-applicable');
});

test('octets that are no answer are none', () => {
  const question = encodeSignatureQuestion(7, '');
  assert.equal(readSignatures(question, 7), undefined);
  assert.equal(readSignatures(Buffer.alloc(3), 7), undefined);
  const answer = Buffer.from(question);
  answer.writeUInt16BE(0x8180, 2);
  assert.deepEqual(readSignatures(answer, 7), []);
  answer.writeUInt16BE(900, 6);
  assert.equal(readSignatures(answer, 7), undefined);
});
