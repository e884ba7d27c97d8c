import { decodeBase64, encodeBase64 } from '../../sasl/base64.ts';
import { mechanisms } from '../../sasl/mechanisms.ts';
import type { Credentials } from '../../sasl/port.ts';

/** One AUTH exchange from the client's side (RFC 4954 §4). */
export interface ClientAuth {
  /** The AUTH command without line end. */
  readonly command: string;
  /** The line that answers a challenge; undefined where the mechanism has nothing to answer. */
  answer(challenge: string): string | undefined;
}

/** Chooses a mechanism among those offered: PLAIN (RFC 4616), else LOGIN; undefined where neither is offered. */
export function chooseAuth(offered: readonly string[], credentials: Credentials): ClientAuth | undefined {
  const name = (['PLAIN', 'LOGIN'] as const).find((mechanism) => offered.includes(mechanism));
  if (name === undefined) return undefined;
  const client = mechanisms[name].client(credentials);
  return {
    command: client.initial === undefined ? `AUTH ${name}` : `AUTH ${name} ${encodeBase64(client.initial)}`,
    answer(challenge) {
      const response = client.respond(decodeBase64(challenge)?.toString('utf8') ?? '');
      return response === undefined ? undefined : encodeBase64(response);
    },
  };
}
