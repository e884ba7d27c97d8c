import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definedIn } from './elf-symbols.ts';

/** A library with these dynamic symbols: defined ones, and such that it only calls. */
function library(defined: readonly string[], called: readonly string[]): Buffer {
  const names = [...defined, ...called];
  const strings = Buffer.from(`\0${names.join('\0')}\0`);
  const elf = Buffer.alloc(0x40 + 3 * 0x40 + names.length * 24 + strings.length);
  elf.writeUInt32LE(0x464c457f, 0);
  elf.writeUInt8(2, 4);
  elf.writeUInt8(1, 5);
  elf.writeBigUInt64LE(0x40n, 0x28);
  elf.writeUInt16LE(0x40, 0x3a);
  elf.writeUInt16LE(3, 0x3c);
  const symbolsAt = 0x40 * 4;
  const stringsAt = symbolsAt + names.length * 24;
  const section = (index: number, type: number, link: number, offset: number, size: number): void => {
    const at = 0x40 + index * 0x40;
    elf.writeUInt32LE(type, at + 4);
    elf.writeUInt32LE(link, at + 0x28);
    elf.writeBigUInt64LE(BigInt(offset), at + 0x18);
    elf.writeBigUInt64LE(BigInt(size), at + 0x20);
  };
  section(1, 11, 2, symbolsAt, names.length * 24);
  section(2, 3, 0, stringsAt, strings.length);
  let nameAt = 1;
  names.forEach((name, index) => {
    elf.writeUInt32LE(nameAt, symbolsAt + index * 24);
    elf.writeUInt16LE(index < defined.length ? 5 : 0, symbolsAt + index * 24 + 6);
    nameAt += name.length + 1;
  });
  strings.copy(elf, stringsAt);
  return elf;
}

test('what a library takes over is told from what it calls', () => {
  const wanted = ['connect', 'bind'];
  assert.deepEqual(definedIn(library(['connect', 'start'], ['dlsym', 'bind']), wanted), ['connect']);
  assert.deepEqual(definedIn(library(['trace'], ['connect', 'dlsym']), wanted), []);
});

test('octets that are no library, or a part of one, tell nothing', () => {
  const whole = library(['connect'], ['dlsym']);
  assert.equal(definedIn(Buffer.from('#!/bin/sh\n'), ['connect']), undefined);
  assert.equal(definedIn(Buffer.alloc(0), ['connect']), undefined);
  for (let length = 1; length < 0x40 * 4; length += 7)
    assert.equal(definedIn(whole.subarray(0, length), ['connect']), undefined);
});
