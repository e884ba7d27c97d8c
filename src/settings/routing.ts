import { z } from 'zod';
import { loginSettings } from './login.ts';

/** The name to greet other servers with. */
const heloName = z.string().min(1).max(253).optional();

/** A proxy for outgoing connections. */
export const routingProxy = z.strictObject({
  kind: z.enum(['socks5', 'http-connect']).describe('What the proxy speaks.').meta({ rfc: '1928, RFC 9110 §9.3.6' }),
  host: z.string().min(1).max(255).describe('Name or IP address of the proxy.'),
  port: z.number().int().min(1).max(65535).default(1080).describe('TCP port of the proxy.'),
  login: z
    .strictObject({
      user: z.string().min(1).max(255).optional().describe('Name to log in with.'),
      password: z
        .string()
        .min(1)
        .max(255)
        .optional()
        .describe('Password; better in a file of its own.')
        .meta({ secret: true }),
      passwordFile: z
        .string()
        .min(1)
        .optional()
        .describe('File whose first line is the password; relative to this file; readable by the service only.'),
      token: z
        .string()
        .min(1)
        .max(4096)
        .optional()
        .describe('Bearer token instead of user and password; http-connect only.')
        .meta({ secret: true, rfc: '6750 §2.1' }),
      tokenFile: z
        .string()
        .min(1)
        .optional()
        .describe('File whose first line is the token; relative to this file; readable by the service only.'),
    })
    .optional()
    .describe('How to log in at the proxy. Without TLS it crosses the network in the clear.'),
  weight: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe(
      'Share of the connections among proxies that stand beside one another in a route and all have a weight. Default: none, the first in the route that works takes all.',
    ),
  tls: z
    .enum(['none', 'required', 'verified'])
    .default('none')
    .describe('TLS to the proxy itself. required: any certificate; verified: one that fits its name.'),
  heloName: heloName
    .describe(
      'The name that mail greets with which leaves by this proxy: the reverse name (PTR) of the address that others see. Default: as under routing.',
    )
    .meta({ rfc: '5321 §4.1.1.1' }),
  resolve: z
    .enum(['here', 'proxy'])
    .default('here')
    .describe(
      'Who looks up the addresses of the hosts that mail goes to; proxy: where names mean something else out there. MX is always looked up here.',
    ),
});

/** Names of proxies, or one. */
const ways = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(10)]).optional();

/** One host of a group. */
export const smartHost = z.strictObject({
  host: z.string().min(1).max(255).describe('Name (its addresses are looked up, not its MX), or an IP address.'),
  port: z.number().int().min(1).max(65535).default(25).describe('TCP port.'),
  weight: z
    .number()
    .int()
    .min(0)
    .max(1000)
    .default(1)
    .describe('Share of the mail among hosts of equal preference; 0 is a spare.'),
  preference: z.number().int().min(0).max(65535).default(10).describe('Lower is tried first.'),
});

const bounds = {
  connectionsMax: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe('Connections at once to one next hop, over all workers.'),
  messagesPerConnectionMax: z.number().int().min(1).max(10_000).default(100).describe('Messages over one connection.'),
  recipientsPerTransactionMax: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .describe('Recipients of one transaction; more go in further ones.')
    .meta({ rfc: '5321 §4.5.3.1.8' }),
  messagesPerMinuteMax: z.number().int().min(1).max(1_000_000).optional().describe('Rate limit to one next hop.'),
};

/** A group of hosts that take mail for us. */
export const smartHostGroup = z.strictObject({
  hosts: z
    .array(smartHost.describe('One host of the group.'))
    .min(1)
    .max(100)
    .describe('The hosts, tried by preference and weight.'),
  protocol: z.enum(['smtp', 'lmtp']).default('smtp').describe('lmtp: a local mail store such as Dovecot.'),
  tls: z
    .enum(['none', 'opportunistic', 'required', 'verified', 'implicit'])
    .default('opportunistic')
    .describe(
      'none: never; opportunistic: where offered, any certificate; required: else the mail waits; verified: and the certificate must fit; implicit: from the first octet, verified.',
    ),
  login: loginSettings.optional().describe('User name and password for these hosts; sent under TLS only.'),
  proxy: ways.describe(
    "Proxies of routing.proxies in the order to try them, or 'direct'. Default: as under routing, but direct where all hosts are addresses of loopback and private networks.",
  ),
  source4: z.string().optional().describe('IPv4 source address of connections to these hosts.'),
  source6: z.string().optional().describe('IPv6 source address of connections to these hosts.'),
  heloName: heloName
    .describe(
      'The name to greet these hosts with, whatever way leads to them. Default: that of the way, else as under routing.',
    )
    .meta({ rfc: '5321 §4.1.1.1' }),
  proxyHeader: z
    .enum(['none', 'v1', 'v2'])
    .default('none')
    .describe(
      'Begins each connection with a PROXY header, for hosts that demand one (Postfix, Dovecot behind HAProxy).',
    ),
  ...bounds,
});

/** An address space: which mail goes which way. */
export const addressSpace = z.strictObject({
  match: z
    .string()
    .min(1)
    .describe("Recipient domain ('example.com' exactly, '*.example.com' below it, '*' any) or a whole address."),
  cost: z.number().int().min(1).max(100).default(1).describe('Among equally exact matches the lowest cost wins.'),
  senders: z
    .array(z.string())
    .max(1000)
    .optional()
    .describe('Only for these reverse-path domains or addresses (scope).'),
  via: z
    .string()
    .min(1)
    .describe("'mx' (look up the domain's MX), 'hold' (wait for ETRN or release), or the name of a smart host group."),
  proxy: ways.describe("With 'via: mx': proxies of routing.proxies in the order to try them, or 'direct'."),
  source4: z
    .string()
    .optional()
    .describe("With 'via: mx': IPv4 source address; with senders, one for each of your domains."),
  source6: z.string().optional().describe("With 'via: mx': IPv6 source address."),
  heloName: heloName
    .describe(
      "With 'via: mx': the name to greet with, whatever way it takes; the reverse name (PTR) of the source address.",
    )
    .meta({ rfc: '5321 §4.1.1.1' }),
});

/** Where outgoing mail goes. */
export const routingSettings = z.strictObject({
  smartHosts: z
    .record(z.string(), smartHostGroup.describe('One group of hosts; its key is the name that address spaces use.'))
    .default({})
    .describe('Groups of hosts that take mail for us, by a name of your choice.'),
  addressSpaces: z
    .array(addressSpace.describe('One address space: which mail goes which way.'))
    .max(10_000)
    .default([])
    .describe("The most exact match wins: address, exact domain, longest *.domain, '*'. Without a match: mx."),
  relayDomains: z
    .array(z.string())
    .max(100_000)
    .default([])
    .describe('Domains of others we accept mail for from anybody and pass on (backup MX, ETRN).'),
  rewrite: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe(
      'Outgoing address rewriting: sender domain or address here -> domain or address outside; reverse-path and header From, Sender, Reply-To.',
    )
    .meta({ example: { 'corp.example': 'example.com' } }),
  ownNames: z
    .array(z.string())
    .max(1000)
    .default([])
    .describe('Further names and addresses of this host, so that a loop to ourselves is noticed (RFC 5321 §5.1).'),
  tls: z
    .enum(['none', 'opportunistic', 'required', 'verified'])
    .default('opportunistic')
    .describe('STARTTLS towards MX hosts.'),
  port: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .default(25)
    .describe('Port of MX hosts; another one only for tests and private networks.'),
  source4: z.string().optional().describe('IPv4 source address of outgoing connections.'),
  source6: z.string().optional().describe('IPv6 source address of outgoing connections.'),
  heloName: heloName
    .describe(
      'The name that outgoing mail greets with (HELO, EHLO), unless its route or way has another one. Default: server.name.',
    )
    .meta({ example: 'mail.example.com', rfc: '5321 §4.1.1.1' }),
  proxies: z
    .record(z.string(), routingProxy.describe('One proxy; its key is the name that routes use.'))
    .default({})
    .describe('Proxies that outgoing connections can take, by a name of your choice.'),
  proxy: ways.describe(
    "The way of all outgoing mail unless a route says otherwise: proxies of routing.proxies in the order to try them, or 'direct'. A way is left for the next one where its proxy fails, not where the far host does.",
  ),
  ipVersions: z.enum(['both', '4', '6']).default('both').describe('IP versions used towards other hosts.'),
  ...bounds,
});
export type RoutingSettings = z.infer<typeof routingSettings>;
export type SmartHostGroup = z.infer<typeof smartHostGroup>;
