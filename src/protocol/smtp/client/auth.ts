import { decodeBase64, encodeBase64 } from '../../sasl/base64.ts';
import { cramMd5Client } from '../../sasl/cram-md5.ts';
import { mechanisms } from '../../sasl/mechanisms.ts';
import type { Credentials } from '../../sasl/port.ts';

/** One AUTH exchange from the client's side (RFC 4954 §4). */
export interface ClientAuth {
  /** The AUTH command without line end. */
  readonly command: string;
  /** The line that answers a challenge; undefined where the mechanism has nothing to answer. */
  answer(challenge: string): string | undefined;
}

/**
 * Chooses a mechanism among those offered: PLAIN (RFC 4616), else LOGIN, else CRAM-MD5 (RFC 2195); undefined where none of them is.
 * Where the password must not be `shown`, only the last one.
 */
export function chooseAuth(offered: readonly string[], credentials: Credentials, shown = true): ClientAuth | undefined {
  const name = (['PLAIN', 'LOGIN', 'CRAM-MD5'] as const).find(
    (mechanism) => offered.includes(mechanism) && (shown || mechanism === 'CRAM-MD5'),
  );
  if (name === undefined) return undefined;
  const client = name === 'CRAM-MD5' ? cramMd5Client(credentials) : mechanisms[name].client(credentials);
  return {
    command: client.initial === undefined ? `AUTH ${name}` : `AUTH ${name} ${encodeBase64(client.initial)}`,
    answer(challenge) {
      const response = client.respond(decodeBase64(challenge)?.toString('utf8') ?? '');
      return response === undefined ? undefined : encodeBase64(response);
    },
  };
}
