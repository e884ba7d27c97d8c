import { z } from 'zod';

/** Our certificate. */
export const tlsSettings = z.strictObject({
  certificate: z
    .string()
    .min(1)
    .optional()
    .describe(
      'PEM file with our certificate and its chain. Without it a self-signed one is made in the data directory.',
    ),
  key: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file with the private key; readable by root or the service user only.'),
  handshakeTimeoutMs: z
    .number()
    .int()
    .min(1000)
    .max(300_000)
    .default(30_000)
    .describe('Milliseconds until a TLS handshake that does not end is cut.'),
});
export type TlsSettings = z.infer<typeof tlsSettings>;
