import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { leanCipher } from './shell-packets.ts';

interface Cipher {
  allocPacket(carried: number): Buffer;
  encrypt(packet: Buffer): void;
}
interface Cryptography {
  /** Whether native code takes the place of the class that is made lean. */
  readonly bindingAvailable: boolean;
  createCipher(config: unknown): Cipher;
}

const { bindingAvailable, createCipher } = createRequire(import.meta.url)(
  'ssh2/lib/protocol/crypto.js',
) as Cryptography;

/** What is carried, each piece as a packet, as somebody reads it who knows only the standard (RFC 5647 §7). */
function carry(pieces: readonly Uint8Array[], iv: Buffer): Buffer[] {
  const key = randomBytes(16);
  const sent: Buffer[] = [];
  const cipher = createCipher({
    outbound: {
      seqno: 0,
      macInfo: undefined,
      onWrite: (octets: Buffer) => sent.push(Buffer.from(octets)),
      cipherInfo: {
        sslName: 'aes-128-gcm',
        blockLen: 16,
        keyLen: 16,
        ivLen: 12,
        authLen: 16,
        discardLen: 0,
        stream: true,
      },
      cipherKey: Buffer.from(key),
      cipherIV: Buffer.from(iv),
    },
  });
  assert.equal(leanCipher(cipher), true);
  for (const piece of pieces) {
    const packet = cipher.allocPacket(piece.length);
    packet.set(piece, 5);
    cipher.encrypt(packet);
  }
  const wire = Buffer.concat(sent);
  const read: Buffer[] = [];
  for (let at = 0; at < wire.length; ) {
    const count = (iv.readBigUInt64BE(4) + BigInt(read.length)) & 0xffff_ffff_ffff_ffffn;
    const nonce = Buffer.from(iv);
    nonce.writeBigUInt64BE(count, 4);
    const length = wire.readUInt32BE(at);
    assert.equal(length % 16, 0);
    const end = at + 4 + length;
    const decipher = createDecipheriv('aes-128-gcm', key, nonce);
    decipher.setAAD(wire.subarray(at, at + 4));
    decipher.setAuthTag(wire.subarray(end, end + 16));
    const clear = Buffer.concat([decipher.update(wire.subarray(at + 4, end)), decipher.final()]);
    assert.ok((clear[0] as number) >= 4);
    read.push(clear.subarray(1, length - (clear[0] as number)));
    at = end + 16;
  }
  return read;
}

const skip = bindingAvailable && 'native code makes the packets here';

test('packets of every size are read by the standard', { skip }, () => {
  const piece = fc.uint8Array({ minLength: 1, maxLength: 9000 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      assert.deepEqual(
        carry(pieces, randomBytes(12)),
        pieces.map((one) => Buffer.from(one)),
      );
    }),
    { numRuns: 60 },
  );
});

test('the counter of packets is carried over all of its octets', { skip }, () => {
  const iv = Buffer.from('00000001fffffffffffffffe', 'hex');
  const pieces = Array.from({ length: 5 }, (_, at) => Buffer.from([at]));
  assert.deepEqual(carry(pieces, iv), pieces);
});

test('what it does not know it leaves alone', () => {
  class Other {
    readonly outSeqno = 0;
  }
  const other = new Other();
  assert.equal(leanCipher(other), false);
  assert.equal(leanCipher(undefined), false);
  assert.equal('encrypt' in other, false);
});
