import { z } from 'zod';

/** Who may do what. Closed by default. */
export const policySettings = z.strictObject({
  localNetworks: z
    .array(z.string())
    .max(1000)
    .default([])
    .describe('Networks (CIDR) that may relay without login, on every profile. Default: none.')
    .meta({ example: ['192.168.1.0/24'] }),
  blockedNetworks: z
    .array(z.string())
    .max(100_000)
    .default([])
    .describe('Networks (CIDR) that are refused at the greeting with 554.'),
  etrn: z
    .strictObject({
      hosts: z
        .array(z.string())
        .max(1000)
        .default([])
        .describe('Networks (CIDR) that may ask with ETRN for mail held for a domain.'),
    })
    .prefault({})
    .describe('Who may start the delivery of held mail (ETRN).')
    .meta({ rfc: '1985 §5.2' }),
  remoteDomainsAllowed: z
    .array(z.string())
    .max(100_000)
    .optional()
    .describe('When given, mail leaves only for these domains (patterns with *.); others get 550 5.7.1.')
    .meta({ example: ['example.com', '*.example.org'] }),
  blockedSenders: z
    .array(z.string())
    .max(100_000)
    .default([])
    .describe('Reverse-paths (address, domain, or *.domain) that are refused with 550 5.7.1.')
    .meta({ example: ['spam@example.net', '*.example.invalid'] }),
  refuseNullMxSenders: z
    .boolean()
    .default(false)
    .describe(
      'Refuses mail from strangers whose domain says by a null MX that it takes no mail, so that no report could reach them (550 5.7.27). Each MAIL then waits for the name service; without an answer the mail is taken.',
    )
    .meta({ rfc: '7505 §4.2' }),
});
export type PolicySettings = z.infer<typeof policySettings>;
