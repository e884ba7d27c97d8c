import { z } from 'zod';

/** Who this server is and where it keeps things. */
export const serverSettings = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .describe('The fully qualified name this host greets with; its DNS record should lead here.')
    .meta({ example: 'mail.example.com', rfc: '5321 §4.1.1.1', reload: 'live' }),
  data: z
    .string()
    .min(1)
    .max(1024)
    .default('./data')
    .describe('Directory of queue, event log and mailboxes. Relative paths are relative to this file.')
    .meta({ reload: 'restart' }),
  run: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('Directory of the control socket and locks; default: run below data.')
    .meta({ reload: 'restart' }),
  user: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Unprivileged user to work as once ports are bound and keys are read (when started as root).')
    .meta({ reload: 'restart' }),
  group: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Group to work as; default: the primary group of user.')
    .meta({ reload: 'restart' }),
  workers: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('Mail worker processes; default: half the processors, at least 1.')
    .meta({ reload: 'restart' }),
  health: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe(
      'Where to answer HTTP questions after the health of the service (/live, /ready): loopback address and port, or the path of a UNIX socket; without it nowhere.',
    )
    .meta({ example: '127.0.0.1:8025', reload: 'live' }),
  console: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe(
      'Where a browser finds the console and a program the administrator API (/api): loopback address and port, or the path of a UNIX socket; without it nowhere. `ims console` says how to log in.',
    )
    .meta({ example: '127.0.0.1:8026', reload: 'live' }),
});
export type ServerSettings = z.infer<typeof serverSettings>;
