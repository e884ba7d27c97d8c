import { createHash } from 'node:crypto';
import type { CipherAlgorithm, Client } from 'ssh2';
import type { SecureShell, ShellFailure, ShellTerms } from '../ports/secure-shell.ts';
import { leanPackets } from './shell-packets.ts';
import { SshSession } from './shell-session.ts';
import { dialShell } from './shell-socket.ts';

/** First those that the processor does itself, and that are not open to prefix truncation. */
const CIPHERS: CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
];

/** What sshd says instead of its version to a client that it will not hear now (MaxStartups, PerSourcePenalties). */
const BUSY = /^(?:Exceeded MaxStartups|Not allowed at this time)\r?\n/;

/** Loaded by the process that needs it, when it needs it. */
async function makeClient(): Promise<Client> {
  const { default: ssh2 } = await import('ssh2');
  return new ssh2.Client();
}

/**
 * OpenSSH sends small packets at once only in sessions that have asked for a command (`ssh_packet_set_interactive`); without it each
 * waits until what went before is acknowledged, which a client that is silent meanwhile does after 40 ms. What becomes of the command,
 * or whether it is allowed, does not matter.
 */
function askForNoDelay(client: Client): void {
  client.exec(':', (error, channel) => {
    if (error !== undefined) return;
    channel.on('error', () => undefined);
    channel.resume();
    channel.stderr.resume();
  });
}

/** The type at the head of a public key's octets (RFC 4253 §6.6). */
function typeOf(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return key.toString('latin1', 4, 4 + Math.min(length, 64));
}

function failureOf(error: Error & { level?: string }, authsLeft: readonly string[]): ShellFailure {
  const { message } = error;
  switch (error.level) {
    case 'client-authentication':
      return { kind: 'key-refused', why: authsLeft.length === 0 ? message : `it takes ${authsLeft.join(', ')}` };
    case 'client-socket':
      return { kind: 'unreachable', why: (error as NodeJS.ErrnoException).code ?? message };
    case 'client-timeout':
      return { kind: 'unreachable', why: 'it took the connection and did not finish the handshake in time' };
    default:
      if (message.startsWith('Connection lost before handshake'))
        return { kind: 'unreachable', why: 'it closed the connection before a word of SSH' };
      return { kind: 'wrong-protocol', why: message };
  }
}

async function connect(terms: ShellTerms): ReturnType<SecureShell['connect']> {
  // Before the connection, whose first octets are told at once.
  const client = await makeClient();
  const dialled = await dialShell(terms);
  if ('kind' in dialled) return dialled;
  const { socket } = dialled;
  return new Promise((resolve) => {
    let denied: { readonly shown: string; readonly type: string } | undefined;
    let authsLeft: readonly string[] = [];
    let asked = false;
    let settled = false;
    let greeting = '';
    let busy: string | undefined;
    const turnedAway = (words: string): ShellFailure => ({
      kind: 'unreachable',
      why: `it takes no log-in now: ${words}`,
    });
    const settle = (outcome: Awaited<ReturnType<SecureShell['connect']>>): void => {
      if (settled) return;
      settled = true;
      if (outcome.kind !== 'connected') {
        client.end();
        socket.destroy();
      }
      resolve(outcome);
    };
    client.on('error', (error: Error) => {
      if (denied !== undefined) settle({ kind: 'host-key', ...denied });
      else {
        const failure = failureOf(error, authsLeft);
        if (busy !== undefined) settle(turnedAway(busy));
        else settle(failure.kind === 'wrong-protocol' ? { ...failure, why: `${failure.why}${greeting}` } : failure);
      }
    });
    client.on('close', () => {
      if (busy !== undefined) settle(turnedAway(busy));
      else settle({ kind: 'unreachable', why: 'it closed the connection during the handshake' });
    });
    // Of what is deciphered with it nothing stays in the memory that it was read into.
    client.on('handshake', ({ sc }) => dialled.reuse(sc.cipher.includes('gcm')));
    client.on('ready', () => {
      leanPackets(client);
      const session = new SshSession(client, socket, terms.address);
      if (session.software.startsWith('OpenSSH')) askForNoDelay(client);
      settle({ kind: 'connected', session });
    });
    socket.once('data', (first: Buffer) => {
      const text = first.toString('latin1', 0, 80);
      if (BUSY.test(text)) busy = text.trim();
      else if (!text.startsWith('SSH-')) greeting = `; it began with ${JSON.stringify(text)}`;
    });
    try {
      client.connect({
        sock: socket,
        username: terms.user,
        privateKey: terms.privateKey,
        readyTimeout: terms.handshakeTimeoutMs,
        keepaliveInterval: terms.keepAliveMs,
        keepaliveCountMax: terms.keepAliveMax,
        algorithms: { cipher: CIPHERS },
        hostVerifier: (key: Buffer) => {
          const shown = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
          if (terms.hostKeys.includes(shown)) return true;
          denied = { shown, type: typeOf(key) };
          return false;
        },
        authHandler: (left, _partial, next) => {
          if (asked) authsLeft = left ?? [];
          const method = { type: 'publickey', username: terms.user, key: terms.privateKey } as const;
          next(asked ? (false as never) : method);
          asked = true;
        },
      });
    } catch (error) {
      settle({ kind: 'key-unusable', why: error instanceof Error ? error.message : String(error) });
    }
  });
}

async function publicKey(privateKey: string): Promise<string | undefined> {
  const { default: ssh2 } = await import('ssh2');
  const key = ssh2.utils.parseKey(privateKey);
  return key instanceof Error ? undefined : `${key.type} ${key.getPublicSSH().toString('base64')}`;
}

/** SSH by the package `ssh2`. */
export const nodeSecureShell: SecureShell = { connect, publicKey };
