import { z } from 'zod';
import { duration } from './units.ts';

/** How a mailbox takes its mail. */
export const mailboxDelivery = z.union([
  z
    .strictObject({
      maildir: z.string().min(1).max(1024).describe('Path of the Maildir; relative to the data directory.'),
    })
    .describe('A Maildir; relative to the data directory.'),
  z
    .strictObject({
      directory: z.string().min(1).max(1024).describe('Path of the directory; relative to the data directory.'),
    })
    .describe('A directory that gets one file per message.'),
  z
    .strictObject({
      pipe: z
        .array(z.string())
        .min(1)
        .max(100)
        .describe('The program and its arguments; no shell is involved. The environment has MAILBOX and DOMAIN.'),
      user: z
        .string()
        .min(1)
        .optional()
        .describe('User to run the program as; only when the service was started as root.'),
      timeout: duration({ min: 1000, max: 3_600_000 })
        .prefault('60s')
        .describe('The program is ended after this time, and the delivery tried again later.'),
    })
    .describe('A program that gets the message on standard input; exit codes as in sysexits.h.'),
  z
    .strictObject({ lmtp: z.string().min(1).describe('Name of a smart host group with protocol lmtp.') })
    .describe('Name of a smart host group that speaks LMTP.'),
  z
    .strictObject({ discard: z.literal(true).describe('Only the value true.') })
    .describe('Accepts and forgets, with an event.'),
]);

/** One mailbox of a domain. */
export const mailboxSettings = z.strictObject({
  password: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('Hash made by `ims password`; without one nobody can log in.')
    .meta({ secret: true }),
  delivery: mailboxDelivery.optional().describe('Default: the Maildir of the domain.'),
  disabled: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe('Refuses mail with this sentence.')
    .meta({ example: 'Bob has left the company.' }),
  maySendAs: z
    .array(z.string())
    .max(1000)
    .default([])
    .describe('Further addresses (or *@domain) this account may use as sender.')
    .meta({ example: ['sales@example.com', '*@example.org'] }),
});

/** One key that signs mail of a domain. */
export const dkimKeySettings = z.strictObject({
  selector: z
    .string()
    .min(1)
    .max(63)
    .describe('Name of the key in the DNS: its record is at <selector>._domainkey.<domain>.')
    .meta({ example: 'ims2026', rfc: '6376 §3.1' }),
  keyFile: z
    .string()
    .min(1)
    .max(1024)
    .describe(
      'Private key in PEM form (RSA of 2048 bits or more, or Ed25519); relative to this file. `ims dkim new` makes one.',
    ),
  key: z
    .string()
    .min(1)
    .optional()
    .describe('The text of the private key; filled in from keyFile.')
    .meta({ secret: true }),
});

/** One domain of ours. */
export const domainSettings = z.strictObject({
  mailboxes: z
    .record(z.string(), mailboxSettings.describe('One mailbox; its key is the local part.'))
    .default({})
    .describe('Local parts and their mailboxes. Case does not matter.'),
  aliases: z
    .record(z.string(), z.union([z.string(), z.array(z.string()).min(1).max(1000)]))
    .default({})
    .describe('Local parts that stand for other addresses, here or elsewhere.')
    .meta({ example: { info: ['alice', 'bob@example.org'] } }),
  catchAll: z.string().min(1).optional().describe('Address for mail to unknown local parts. It attracts spam.'),
  plusAddressing: z
    .string()
    .max(1)
    .default('+')
    .describe("Character after which a local part is ignored at look-up ('' turns it off)."),
  fallback: z
    .string()
    .optional()
    .describe('Smart host group that takes recipients unknown here (a name space shared with another system).'),
  lmtp: z.string().optional().describe('Smart host group (LMTP) for all mailboxes of the domain.'),
  dkim: z
    .union([
      dkimKeySettings.describe('The key that signs.'),
      z.array(dkimKeySettings.describe('One of the keys; each makes a signature.')).min(1).max(4),
    ])
    .optional()
    .describe('Signs mail of our users that leaves with this domain in its From field (DKIM).')
    .meta({ example: { selector: 'ims2026', keyFile: 'dkim/example.com.ims2026.pem' }, rfc: '6376' }),
});

/** Our domains and the people in them. */
export const recipientsSettings = z
  .record(z.string(), domainSettings.describe('One domain of ours; its key is the name.'))
  .describe('The domains that we receive mail for, each with its mailboxes and aliases.');
export type MailboxSettings = z.infer<typeof mailboxSettings>;
export type DkimKeySettings = z.infer<typeof dkimKeySettings>;
export type DomainSettings = z.infer<typeof domainSettings>;
export type RecipientsSettings = z.infer<typeof recipientsSettings>;
