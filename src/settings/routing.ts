import { z } from 'zod';

/** One host of a group. */
export const smartHost = z.strictObject({
  host: z.string().describe('Name (its addresses are looked up, not its MX), or an IP address.'),
  port: z.number().int().min(1).max(65535).default(25),
  weight: z.number().int().min(0).max(1000).default(1).describe('Share of the mail among hosts of equal preference; 0 is a spare.'),
  preference: z.number().int().min(0).max(65535).default(10).describe('Lower is tried first.'),
});

const bounds = {
  connectionsMax: z.number().int().min(1).max(1000).default(20).describe('Connections at once to one next hop, over all workers.'),
  messagesPerConnectionMax: z.number().int().min(1).max(10_000).default(100).describe('Messages over one connection.'),
  recipientsPerTransactionMax: z.number().int().min(1).max(1000).default(100),
  messagesPerMinuteMax: z.number().int().min(1).max(1_000_000).optional().describe('Rate limit to one next hop.'),
};

/** A group of hosts that take mail for us. */
export const smartHostGroup = z.strictObject({
  hosts: z.array(smartHost).min(1).max(100),
  protocol: z.enum(['smtp', 'lmtp']).default('smtp'),
  tls: z.enum(['none', 'opportunistic', 'required', 'verified', 'implicit']).default('opportunistic'),
  login: z.strictObject({ user: z.string(), password: z.string().optional(), passwordFile: z.string().optional() }).optional(),
  ...bounds,
});

/** An address space: which mail goes which way. */
export const addressSpace = z.strictObject({
  match: z.string().describe("Recipient domain ('example.com' exactly, '*.example.com' below it, '*' any) or a whole address."),
  cost: z.number().int().min(1).max(100).default(1).describe('Among equally exact matches the lowest cost wins.'),
  senders: z.array(z.string()).max(1000).optional().describe('Only for these reverse-path domains or addresses (scope).'),
  via: z.string().describe("'mx' (look up the domain's MX), 'hold' (wait for ETRN or release), or the name of a smart host group."),
});

/** Where outgoing mail goes. */
export const routingSettings = z.strictObject({
  smartHosts: z.record(z.string(), smartHostGroup).default({}),
  addressSpaces: z.array(addressSpace).max(10_000).default([]).describe("The most exact match wins: address, exact domain, longest *.domain, '*'. Without a match: mx."),
  relayDomains: z.array(z.string()).max(100_000).default([]).describe('Domains of others we accept mail for from anybody and pass on (backup MX, ETRN).'),
  rewrite: z.record(z.string(), z.string()).default({}).describe('Outgoing address rewriting: sender domain or address here -> domain or address outside; reverse-path and header From, Sender, Reply-To.'),
  ownNames: z.array(z.string()).max(1000).default([]).describe('Further names and addresses of this host, so that a loop to ourselves is noticed (RFC 5321 §5.1).'),
  tls: z.enum(['none', 'opportunistic', 'required', 'verified']).default('opportunistic').describe('STARTTLS towards MX hosts.'),
  port: z.number().int().min(1).max(65535).default(25).describe('Port of MX hosts; another one only for tests and private networks.'),
  source4: z.string().optional().describe('IPv4 source address of outgoing connections.'),
  source6: z.string().optional().describe('IPv6 source address of outgoing connections.'),
  ipVersions: z.enum(['both', '4', '6']).default('both'),
  ...bounds,
});
export type RoutingSettings = z.infer<typeof routingSettings>;
export type SmartHostGroup = z.infer<typeof smartHostGroup>;
