/** SASL CRAM-MD5 (RFC 2195), the client's side alone: a server would have to keep passwords that can be read. */
import { createHmac } from 'node:crypto';
import type { Credentials, SaslClient } from './port.ts';

/** Answers the one challenge by a digest of it; the password does not cross the network. */
export function cramMd5Client({ user, password }: Credentials): SaslClient {
  let answered = false;
  return {
    initial: undefined,
    respond(challenge) {
      if (answered) return undefined;
      answered = true;
      return `${user} ${createHmac('md5', password).update(challenge).digest('hex')}`;
    },
  };
}
