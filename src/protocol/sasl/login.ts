/** SASL LOGIN, which has no RFC (draft-murchison-sasl-login): the user name, then the password. */
import { isUtf8 } from 'node:buffer';
import type { Credentials, SaslClient, SaslServer, ServerStep } from './port.ts';

const ASK_USER: ServerStep = { kind: 'challenge', challenge: 'Username:' };
const ASK_PASSWORD: ServerStep = { kind: 'challenge', challenge: 'Password:' };

/** The server's side; an initial response is the user name. */
export function loginServer(): SaslServer {
  let user: string | undefined;
  const respond = (response: Buffer): ServerStep => {
    const text = isUtf8(response) ? response.toString('utf8') : '';
    if (text === '' || text.includes('\0')) return { kind: 'malformed' };
    if (user !== undefined) return { kind: 'credentials', credentials: { user, password: text } };
    user = text;
    return ASK_PASSWORD;
  };
  return { begin: (initial) => (initial === undefined ? ASK_USER : respond(initial)), respond };
}

/** The client's side: answers by order, as the wording of the challenges differs between servers. */
export function loginClient({ user, password }: Credentials): SaslClient {
  const responses = [user, password];
  return { initial: undefined, respond: () => responses.shift() };
}
