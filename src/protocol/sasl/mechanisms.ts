import { loginClient, loginServer } from './login.ts';
import { plainClient, plainServer } from './plain.ts';
import type { Credentials, SaslClient, SaslServer } from './port.ts';

/** The mechanisms by their registered names. */
export const mechanisms: Readonly<
  Record<'PLAIN' | 'LOGIN', { server(): SaslServer; client(credentials: Credentials): SaslClient }>
> = {
  PLAIN: { server: plainServer, client: plainClient },
  LOGIN: { server: loginServer, client: loginClient },
};
