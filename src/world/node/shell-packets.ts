import { createCipheriv, randomFillSync } from 'node:crypto';
import type { Client } from 'ssh2';

/** What the class of `ssh2` that makes packets of AES-GCM keeps (RFC 5647 §7). */
interface PacketCipher {
  readonly _encSSLName: string;
  readonly _encKey: Buffer;
  readonly _encIV: Buffer;
  readonly _onWrite: (octets: Buffer) => void;
  readonly _dead: boolean;
  outSeqno: number;
}

/** Its name; where a binding to native code was built, another class is used, which needs no help. */
const CLASS = 'AESGCMCipherNative';

const BLOCK_BYTES = 16;
/** RFC 4253 §6: at least so many octets of padding. */
const PADDING_MIN = 4;
const TAG_BYTES = 16;
/** Up to this size a packet is copied into one piece; larger ones go out in three. */
const ONE_PIECE_MAX = 4096;

/** Random octets for padding, each used once: asked for one by one they cost more than the cipher. */
const padding = { octets: Buffer.alloc(16_384), used: 16_384 };

function fillPadding(packet: Buffer, at: number, count: number): void {
  if (padding.used + count > padding.octets.length) {
    randomFillSync(padding.octets);
    padding.used = 0;
  }
  padding.octets.copy(packet, at, padding.used, padding.used + count);
  padding.used += count;
}

/** A packet with length, padding and room for what it carries (RFC 4253 §6; the length is outside of the blocks, RFC 5647 §7.2). */
function allocPacket(this: PacketCipher, carried: number): Buffer {
  let count = BLOCK_BYTES - ((1 + carried) % BLOCK_BYTES);
  if (count < PADDING_MIN) count += BLOCK_BYTES;
  const packet = Buffer.allocUnsafe(5 + carried + count);
  packet.writeUInt32BE(1 + carried + count, 0);
  packet[4] = count;
  fillPadding(packet, 5 + carried, count);
  return packet;
}

/** Sends a packet: its length in the clear but authenticated, the rest enciphered, the tag. */
function encrypt(this: PacketCipher, packet: Buffer): void {
  if (this._dead) return;
  const length = packet.subarray(0, 4);
  const cipher = createCipheriv(this._encSSLName as 'aes-128-gcm', this._encKey, this._encIV);
  cipher.setAAD(length);
  const enciphered = cipher.update(packet.subarray(4));
  cipher.final();
  const tag = cipher.getAuthTag();
  if (packet.length <= ONE_PIECE_MAX) {
    const whole = Buffer.allocUnsafe(packet.length + TAG_BYTES);
    length.copy(whole);
    enciphered.copy(whole, 4);
    tag.copy(whole, packet.length);
    this._onWrite(whole);
  } else {
    this._onWrite(length);
    this._onWrite(enciphered);
    this._onWrite(tag);
  }
  countUp(this._encIV);
  this.outSeqno = (this.outSeqno + 1) >>> 0;
}

/** The invocation counter: the last eight octets (RFC 5647 §7.1). */
function countUp(iv: Buffer): void {
  for (let at = 11; at >= 4; at -= 1) {
    iv[at] = ((iv[at] as number) + 1) & 0xff;
    if (iv[at] !== 0) return;
  }
}

/**
 * Makes the sessions of `ssh2` send the same packets of AES-GCM with fewer calls and pieces: a reply to a command is a packet of
 * its own, and half of its cost was there. Says whether it could; another version or another cipher goes on as it is.
 */
export function leanPackets(client: Client): boolean {
  const { _protocol } = client as unknown as { _protocol?: { _cipher?: object } }; // not in its types
  return leanCipher(_protocol?._cipher);
}

/** The same for the object that makes the packets of a session. */
export function leanCipher(cipher: object | undefined): boolean {
  if (cipher === undefined || cipher.constructor.name !== CLASS) return false;
  const { _encSSLName, _encKey, _encIV, _onWrite, outSeqno } = cipher as Partial<PacketCipher>;
  if (typeof _encSSLName !== 'string' || typeof _onWrite !== 'function' || typeof outSeqno !== 'number') return false;
  if (!Buffer.isBuffer(_encKey) || !Buffer.isBuffer(_encIV) || _encIV.length !== 12) return false;
  // New keys come with a new object of the same class.
  Object.assign(Object.getPrototypeOf(cipher), { allocPacket, encrypt });
  return true;
}
