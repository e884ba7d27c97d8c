import { z } from 'zod';
import { duration } from './units.ts';
import { loginSettings } from './login.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** A program that is run before or after mail is fetched. */
export const dequeueProgram = z.strictObject({
  command: z
    .array(z.string().min(1))
    .min(1)
    .max(64)
    .describe('Program and arguments, run without a shell as the user of the service; the path is absolute.')
    .meta({ example: ['/usr/local/sbin/dial', 'provider'] }),
  timeout: duration({ min: 1000, max: 60 * MINUTE })
    .default(2 * MINUTE)
    .describe('A program that has not ended by then is ended.'),
});

/** One host that holds mail for us. */
export const dequeueEntry = z.strictObject({
  command: z
    .enum(['etrn', 'atrn', 'none'])
    .default('etrn')
    .describe(
      'etrn: the host is asked to connect to us and send what it holds; atrn: it sends over the connection that we make, so that nobody has to reach us; none: only the programs are run.',
    )
    .meta({ rfc: '1985, RFC 2645' }),
  host: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('Name or IP address of the host that holds the mail.')
    .meta({ example: 'mail.provider.example' }),
  port: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe('TCP port; without it 25, for atrn 366.')
    .meta({ rfc: '2645 §5.1' }),
  domains: z
    .array(z.string().min(1).max(255))
    .min(1)
    .max(100)
    .optional()
    .describe(
      "What is asked for: domains of ours; for etrn also '@example.com' (with all below it) and '#queue'. Without it every domain of ours.",
    )
    .meta({ rfc: '1985 §5.3', example: ['example.com'] }),
  every: duration({ min: 1000, max: 7 * DAY })
    .optional()
    .describe("How often, from the start of the service on. Without it and 'at': every 15 minutes."),
  at: z
    .array(z.string())
    .min(1)
    .max(48)
    .optional()
    .describe('Times of day, in the time zone of the host.')
    .meta({ example: ['06:30', '18:00'] }),
  tls: z
    .enum(['none', 'opportunistic', 'required', 'verified', 'implicit'])
    .default('opportunistic')
    .describe('As for smart hosts. Without TLS a login is made by CRAM-MD5 only, which does not show the password.')
    .meta({ rfc: '2195' }),
  login: loginSettings.optional().describe('How to log in at the host; atrn demands it.').meta({ rfc: '2645 §5.1.1' }),
  proxy: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(10)])
    .optional()
    .describe(
      "Proxies of routing.proxies or gateways in the order to try them, or 'direct'. Default: as under routing.",
    ),
  before: dequeueProgram
    .optional()
    .describe('Run first, such as one that dials. Where it fails, the host is not asked.'),
  after: dequeueProgram.optional().describe('Run last, whatever came of it, such as one that hangs up.'),
});

/** The section `dequeue`. */
export const dequeueSettings = z
  .record(
    z.string(),
    dequeueEntry.describe('One host that holds mail; its key is the name that events and commands use.'),
  )
  .describe('Hosts that hold mail for us until they are asked for it, and when to ask. Independent of sending.');
export type DequeueEntry = z.infer<typeof dequeueEntry>;
export type DequeueProgram = z.infer<typeof dequeueProgram>;
export type DequeueSettings = z.infer<typeof dequeueSettings>;
