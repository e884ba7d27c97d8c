import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const OUTPUT = new URL('../../../src/world/node/output.js', import.meta.url).href;

/** A program that writes a thousand lines of 1 KB, says on standard error how many were dropped, and ends when told. */
const PROGRAM = `
  import { nodeOutput } from '${OUTPUT}';
  const output = nodeOutput(1);
  let turns = 0;
  setInterval(() => { turns += 1; }, 1).unref();
  for (let i = 0; i < 1000; i += 1) output.line(String(i).padStart(1023, '.'));
  const room = new Promise((resolve) => output.onRoom(resolve));
  process.stdin.once('data', async () => {
    process.stderr.write('dropped ' + output.dropped + ' turns ' + turns + '\\n');
    await room;
    output.line('room');
    await output.flush(5000);
    process.exit(0);
  });
  process.stderr.write('ready\\n');
`;

function start(): ChildProcess & {
  stdout: NonNullable<ChildProcess['stdout']>;
  stderr: NonNullable<ChildProcess['stderr']>;
  stdin: NonNullable<ChildProcess['stdin']>;
} {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { stdio: ['pipe', 'pipe', 'pipe'] });
  assert.ok(child.stdout !== null && child.stderr !== null && child.stdin !== null);
  return child as ReturnType<typeof start>;
}

test('a pipe that nobody reads costs a bounded buffer, and the program goes on', async () => {
  const child = start();
  child.stdout.pause();
  const [ready] = await once(child.stderr, 'data');
  assert.match(String(ready), /ready/);
  child.stdin.write('go\n');
  const [said] = await once(child.stderr, 'data');
  const dropped = Number(/dropped (\d+)/.exec(String(said))?.[1]);
  // 256 KiB are held, a pipe or socket takes a few hundred more; the rest is dropped.
  assert.ok(dropped > 100 && dropped < 750, String(said));
  let read = '';
  child.stdout
    .setEncoding('latin1')
    .on('data', (chunk: string) => (read += chunk))
    .resume();
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  const lines = read.split('\n');
  assert.equal(lines.pop(), '');
  assert.equal(lines.pop(), 'room');
  assert.equal(lines.length, 1000 - dropped);
  assert.ok(lines.every((line) => line.length === 1023));
});

test('a reader that goes away ends nothing', async () => {
  const child = start();
  await once(child.stderr, 'data');
  child.stdout.destroy();
  child.stdin.write('go\n');
  const [said] = await once(child.stderr, 'data');
  assert.match(String(said), /dropped/);
  child.kill();
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGTERM');
});
