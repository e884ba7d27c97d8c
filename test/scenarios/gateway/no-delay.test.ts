/** What our session asks of a server so that it does not hold small packets back. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import ssh2 from 'ssh2';
import { nodeSecureShell } from '../../../src/world/node/secure-shell.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
});

/** Logs in at a server that names itself so; resolves with the commands that it was asked for before it was told to go. */
async function commandsAt(ident: string): Promise<string[]> {
  const commands: string[] = [];
  const server = new ssh2.Server({ hostKeys: [privateKey], ident }, (client) => {
    client.on('authentication', (asked) => asked.accept());
    client.on('session', (accept) =>
      accept().on('exec', (acceptCommand, _reject, { command }) => {
        commands.push(command);
        acceptCommand().end();
      }),
    );
    client.on('request', (accept) => accept?.(2525));
    client.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const key = ssh2.utils.parseKey(privateKey);
    assert.ok(!(key instanceof Error));
    const shown = createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '');
    const outcome = await nodeSecureShell.connect({
      address: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      user: 'gate',
      privateKey,
      hostKeys: [`SHA256:${shown}`],
      connectTimeoutMs: 5_000,
      handshakeTimeoutMs: 5_000,
      keepAliveMs: 0,
      keepAliveMax: 3,
    });
    assert.ok(outcome.kind === 'connected', JSON.stringify(outcome));
    // A command follows the answer to its channel; what is asked after that answer is answered after the command.
    await outcome.session.bind('127.0.0.1', 2525);
    await outcome.session.bind('127.0.0.1', 2526);
    outcome.session.close();
    return commands;
  } finally {
    server.close();
  }
}

test('a session of OpenSSH is asked for a command, which makes it send small packets at once', async () => {
  assert.deepEqual(await commandsAt('OpenSSH_9.2p1'), [':']);
});

test('other servers are asked for no command', async () => {
  assert.deepEqual(await commandsAt('dropbear_2022.83'), []);
});
