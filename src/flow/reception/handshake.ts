import type { ByteStream } from '../../world/ports/network.ts';
import type { Room } from './room.ts';

/** Whose handshake it is. */
export interface HandshakeParts {
  readonly room: Pick<Room, 'tls' | 'journal' | 'counted'>;
  readonly stream: ByteStream;
  readonly client: string;
  readonly listener: string;
}

/** Starts TLS, after the octets of a reply where there are any. The answer: why the session cannot go on, or undefined. Never rejects. */
export async function startTls(
  { room, stream, client, listener }: HandshakeParts,
  octets: string | undefined,
): Promise<string | undefined> {
  const options = room.tls();
  if (options === undefined) return 'no certificate';
  try {
    await (octets === undefined ? stream.startTlsServer(options) : stream.startTlsServer(options, octets));
    room.counted?.('encrypted', listener);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    room.journal.emit('reception.tls-failed', { client, listener, why });
    return 'the TLS handshake failed';
  }
}
