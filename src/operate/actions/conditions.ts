import { z } from 'zod';
import { defineAction, done, refused } from './action.ts';
import { CHECKS_MAX } from './limits.ts';

/** Something was mended: the service looks at once whether that is so. */
export const conditionsLook = defineAction({
  name: 'conditions.look',
  summary: 'Looks at once with these checks, where they are not well, and answers with what is left.',
  changes: false,
  input: z.strictObject({ checks: z.array(z.string().max(100)).max(CHECKS_MAX) }),
  async run(context, { checks }) {
    await context.lookAgain(checks);
    return done({ conditions: context.conditions() });
  },
});

/** What the service holds for not well. */
export const conditions = defineAction({
  name: 'conditions',
  summary: 'Lists what the service found not well when it examined itself, since when, and the cure.',
  changes: false,
  input: z.strictObject({}),
  run: async (context) => done({ conditions: context.conditions() }),
});

/** A look at once, as `ims doctor` makes it. */
export const examination = defineAction({
  name: 'doctor',
  summary:
    'Looks at host, ports, names, TLS, storage and policy at once, and answers with every verdict and what was seen.',
  changes: false,
  input: z.strictObject({ only: z.string().min(1).max(100).optional() }),
  async run(context, { only }) {
    const report = await context.examine(only);
    return report === undefined ? refused('usage', `there is no check or area ${only ?? ''}`) : done(report);
  },
});
