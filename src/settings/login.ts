import { z } from 'zod';

/** A name and a password with which to log in at another host. */
export const loginSettings = z.strictObject({
  user: z.string().min(1).max(255).describe('Name to log in with.'),
  password: z.string().min(1).optional().describe('Password; better in a file of its own.').meta({ secret: true }),
  passwordFile: z
    .string()
    .min(1)
    .optional()
    .describe('File whose first line is the password; relative to this file; readable by the service only.'),
});
