import { z } from 'zod';
import { duration } from './units.ts';

/** The name service. */
export const namesSettings = z.strictObject({
  servers: z
    .array(z.string())
    .max(10)
    .optional()
    .describe('Resolvers as address or address:port; default: those of /etc/resolv.conf.')
    .meta({ example: ['192.0.2.53', '[2001:db8::53]:5353'] }),
  via: z
    .union([z.string(), z.array(z.string()).min(1).max(10)])
    .optional()
    .describe(
      'Proxies of routing.proxies, in the order to try them, by which the servers are asked, by TCP: for a host that reaches the name service only so. Their own host must be an IP address, and servers must be given.',
    )
    .meta({ example: 'office', rfc: '7766' }),
  zones: z
    .record(
      z.string(),
      z.array(z.string()).min(1).max(10).describe('The resolvers of one domain, as address or address:port.'),
    )
    .optional()
    .describe(
      'Domains whose names, with all below them, other resolvers are asked for: where the name service inside and outside say different things (split DNS).',
    )
    .meta({ example: { 'corp.example': ['10.0.0.53'] } }),
  hostsFile: z
    .string()
    .max(1024)
    .default('/etc/hosts')
    .describe(
      "Addresses of hosts that are known without the name service: smart hosts, mail stores, proxies, MX hosts. They go before it. '' reads none.",
    ),
  timeout: duration({ min: 100, max: 60_000 }).prefault('3s').describe('Wait for one answer of one server.'),
  tries: z.number().int().min(1).max(10).default(3).describe('Questions per look-up, over all servers in turn.'),
  cacheMax: z.number().int().min(0).max(1_000_000).default(20_000).describe('Answers kept.'),
});
export type NamesSettings = z.infer<typeof namesSettings>;
