import { z } from 'zod';
import { duration } from './units.ts';

/** A port that is bound on a gateway for one of our listeners. */
export const gatewayListen = z.strictObject({
  address: z
    .string()
    .min(1)
    .default('0.0.0.0')
    .describe('Address on the gateway to bind; 0.0.0.0 is every IPv4 address of it, :: every IPv6 address.'),
  port: z.number().int().min(1).max(65535).default(25).describe('TCP port on the gateway.'),
  listener: z
    .string()
    .min(1)
    .describe('The listener whose rules (profile, TLS) hold for connections to that port.')
    .meta({ example: 'mx' }),
});

/** A host with OpenSSH that is our public face. */
export const gatewaySettings = z.strictObject({
  host: z.string().min(1).max(255).describe('Name or IP address of the gateway.'),
  port: z.number().int().min(1).max(65535).default(22).describe('TCP port of its SSH server.'),
  user: z.string().min(1).max(64).default('ims-gateway').describe('User to log in as, with a key.'),
  keyFile: z
    .string()
    .min(1)
    .describe(
      'Private key (OpenSSH or PEM form, without passphrase); relative to this file; readable by root or us only.',
    ),
  key: z
    .string()
    .min(1)
    .optional()
    .describe('The text of the private key; filled in from keyFile.')
    .meta({ secret: true }),
  hostKey: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(8)])
    .optional()
    .describe(
      'Fingerprint of its host key, or several. Without it the gateway is not used; `ims gateway check` shows what it presents.',
    )
    .meta({ example: 'SHA256:uNiVztksCsDhcc0u9e8BrtLJ4W3mGhaUpN3pVyDpJtk' }),
  listen: z
    .array(gatewayListen.describe('One port on the gateway.'))
    .max(16)
    .default([])
    .describe('Ports bound on the gateway. None: it is used for outgoing mail only.'),
  publicAddress: z
    .string()
    .optional()
    .describe('The address by which the world knows the gateway, where it is not the one that we log in at.'),
  heloName: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe(
      'The name of the gateway in the DNS: mail that leaves by it greets with it (HELO, EHLO), and its ports greet with it. It should be the reverse name (PTR) of its public address, and lead there. Default: server.name.',
    )
    .meta({ example: 'mail.example.com', rfc: '5321 §4.1.1.1' }),
  resolve: z
    .enum(['here', 'gateway'])
    .default('here')
    .describe('Who looks up the addresses of the hosts that mail goes to. MX is always looked up here.'),
  keepAlive: duration({ min: 200, max: 600_000 })
    .default(5000)
    .describe('How often the gateway is asked whether it lives.')
    .meta({ rfc: '4254 §4' }),
  keepAliveMax: z.number().int().min(1).max(20).default(3).describe('After so many unanswered questions it is gone.'),
  connectTimeout: duration({ min: 200, max: 60_000 })
    .default(2500)
    .describe('How long one attempt to connect may take; short, so that a gateway that is back is found soon.'),
  retryMax: duration({ min: 100, max: 600_000 })
    .default(1000)
    .describe('Longest wait between attempts to reach a gateway that is away.'),
  killOldSession: z
    .boolean()
    .default(true)
    .describe(
      'Ends a session of our own user on the gateway that is half dead and still holds our port. It never touches other users.',
    ),
  connectionsMax: z
    .number()
    .int()
    .min(1)
    .max(20_000)
    .default(2000)
    .describe('Incoming connections at once through this gateway.'),
});

/** The section `gateways`. */
export const gatewaysSettings = z
  .record(z.string(), gatewaySettings.describe('One gateway; its key is the name that routes and events use.'))
  .describe(
    'Hosts with OpenSSH through which mail comes and goes: their ports are bound for our listeners, and routes name them where they name proxies.',
  );
export type GatewaySettings = z.infer<typeof gatewaySettings>;
export type GatewaysSettings = z.infer<typeof gatewaysSettings>;
