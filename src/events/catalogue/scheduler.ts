import type { CatalogueSection } from '../row.ts';

/** Events of scheduler. */
export const schedulerEvents = {
  3350: {
    name: 'scheduler.next-hop-rests',
    severity: 'warning',
    category: 'scheduling',
    title: 'A next hop cannot be reached and rests',
    text: 'no host of {nextHop} could be reached {failures} times in a row; it rests until {until}; last: {reason}',
    data: { nextHop: 'nextHop', failures: 'count', until: 'time', reason: 'text' },
    advice:
      'Look at the reason; mail waits and goes by itself once the next hop answers. `ims queue retry --next-hop` tries at once.',
  },
  2350: {
    name: 'scheduler.next-hop-answers',
    severity: 'information',
    category: 'scheduling',
    title: 'A next hop that rested answers again',
    text: '{nextHop} answers again',
    data: { nextHop: 'nextHop' },
  },
  3351: {
    name: 'scheduler.clock-jumped',
    severity: 'warning',
    category: 'scheduling',
    title: 'The wall clock jumped; mail does not expire for now',
    text: 'the wall clock jumped by {jump}; no mail expires until it has held for an hour',
    data: { jump: 'milliseconds' },
    advice: 'See that the time is right and kept by one source (timedatectl status).',
  },
  2351: {
    name: 'scheduler.clock-held',
    severity: 'information',
    category: 'scheduling',
    title: 'The wall clock has held; mail expires again',
    text: 'the wall clock has held for an hour; mail expires again',
    data: {},
  },
  3352: {
    name: 'scheduler.smart-host-refused-relay',
    severity: 'warning',
    category: 'scheduling',
    title: 'The smart host refuses to relay for us',
    text: '{nextHop} answered: {reply}; its mail is kept instead of returned',
    data: { nextHop: 'nextHop', reply: 'reply' },
    advice: 'Check address and login of the smart host with its operator; then `ims queue retry --next-hop`.',
  },
  4350: {
    name: 'scheduler.attempt-broke',
    severity: 'error',
    category: 'scheduling',
    title: 'An attempt ended by an error of this program',
    text: 'the attempt for {queueId} to {nextHop} ended by an error: {error}',
    data: { queueId: 'queueId', nextHop: 'nextHop', error: 'text' },
    advice: 'The message is kept and tried again. Report the error text.',
  },
  4351: {
    name: 'scheduler.outcome-not-recorded',
    severity: 'error',
    category: 'scheduling',
    title: 'Outcomes could not be made durable',
    text: 'the outcome for {queueId} to {nextHop} could not be written: {error}; the attempt may be repeated',
    data: { queueId: 'queueId', nextHop: 'nextHop', error: 'text' },
    advice: 'See the storage events before this one.',
  },
} as const satisfies CatalogueSection;
