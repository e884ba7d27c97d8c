import { z } from 'zod';
import { duration } from './units.ts';

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
  spf: z
    .strictObject({
      mode: z
        .enum(['off', 'mark', 'refuse'])
        .default('mark')
        .describe(
          'mark: what SPF says stands in an Authentication-Results field and in `ims trace`; refuse: where it says fail, recipients are refused with 550 5.7.23, but for postmaster.',
        )
        .meta({ rfc: '7208 §8.4' }),
      receivedSpf: z
        .boolean()
        .default(false)
        .describe('Adds Received-SPF fields too, for filters that read those.')
        .meta({ rfc: '7208 §9.1' }),
      timeout: duration({ min: 100, max: 60_000 })
        .prefault('5s')
        .describe(
          'How long a check may take from MAIL on. What is not found out by then is temperror, and the mail is taken.',
        )
        .meta({ rfc: '7208 §4.6.4' }),
    })
    .prefault({})
    .describe(
      'Whether a sender may use its domain: asked of the greeting and of the reverse-path, for mail of strangers on listeners with profile mx. The address is that of the client as the world sees it, also behind proxies and gateways.',
    )
    .meta({ rfc: '7208' }),
  dnsbl: z
    .array(
      z
        .strictObject({
          zone: z.string().min(1).max(200).describe('The zone of the list.').meta({ example: 'zen.spamhaus.org' }),
          action: z
            .enum(['refuse', 'mark'])
            .default('refuse')
            .describe(
              'refuse: clients on the list get 550 5.7.1 at each recipient but postmaster; mark: it stands in Authentication-Results and in `ims trace`.',
            ),
          answers: z
            .array(z.string())
            .min(1)
            .max(100)
            .optional()
            .describe('The answers that count, as addresses and networks. Default: all of 127.0.0.0/8.')
            .meta({ example: ['127.0.0.2', '127.0.0.4/30'] }),
        })
        .describe('One list.'),
    )
    .max(20)
    .default([])
    .describe(
      'Block lists that are asked about clients, as `spf` asks: strangers on listeners with profile mx, by their true address, never a private one. No answer within `spf.timeout`, or one by which a list refuses to answer, is no listing.',
    )
    .meta({ rfc: '5782 §2', example: [{ zone: 'zen.spamhaus.org' }] }),
  uncheckedNetworks: z
    .array(z.string())
    .max(1000)
    .default([])
    .describe(
      'Networks (CIDR) of hosts whose mail `spf` and `dnsbl` do not judge: your backup MX, forwarders that you trust. They may not relay for that.',
    ),
});
export type PolicySettings = z.infer<typeof policySettings>;
