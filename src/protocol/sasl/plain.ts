/** SASL PLAIN (RFC 4616). */
import { isUtf8 } from 'node:buffer';
import type { Credentials, SaslClient, SaslServer, ServerStep } from './port.ts';

const MALFORMED: ServerStep = { kind: 'malformed' };

/** The server's side. The authorization identity is empty or the user itself: nobody acts for another here. */
export function plainServer(): SaslServer {
  return {
    begin: (initial) => (initial === undefined ? { kind: 'challenge', challenge: '' } : readPlain(initial)),
    respond: readPlain,
  };
}

/** The client's side. */
export function plainClient({ user, password }: Credentials): SaslClient {
  return { initial: `\0${user}\0${password}`, respond: () => undefined };
}

function readPlain(response: Buffer): ServerStep {
  if (!isUtf8(response)) return MALFORMED;
  const parts = response.toString('utf8').split('\0', 4);
  const [identity, user, password] = parts;
  if (parts.length !== 3 || identity === undefined || !user || !password) return MALFORMED;
  if (identity !== '' && identity !== user) return { kind: 'refused' };
  return { kind: 'credentials', credentials: { user, password } };
}
