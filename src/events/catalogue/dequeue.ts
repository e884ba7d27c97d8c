import type { CatalogueSection } from '../row.ts';

/** Events of fetching mail that other hosts hold for us (ETRN, ATRN). */
export const dequeueEvents = {
  2880: {
    name: 'dequeue.asked',
    severity: 'information',
    category: 'transport',
    title: 'A host was asked for the mail that it holds for us',
    text: '{entry}: {host} was asked by {command}: {result}',
    data: { entry: 'text', host: 'text', command: 'text', result: 'text' },
    rfc: ['1985 §5.3', '2645 §5.2'],
  },
  2881: {
    name: 'dequeue.works-again',
    severity: 'information',
    category: 'transport',
    title: 'Fetching held mail works again',
    text: '{entry}: fetching held mail from {host} works again after {lasted}',
    data: { entry: 'text', host: 'text', lasted: 'milliseconds' },
  },
  2882: {
    name: 'dequeue.program-ended',
    severity: 'information',
    category: 'transport',
    title: 'A program for fetching held mail ended',
    text: '{entry}: the program {when} fetching ({program}) ended after {took}: {result}; output: {output}',
    data: { entry: 'text', when: 'text', program: 'path', took: 'milliseconds', result: 'text', output: 'text' },
  },
  3880: {
    name: 'dequeue.failed',
    severity: 'warning',
    category: 'transport',
    title: 'A host that holds mail for us could not be asked',
    text: '{entry}: {host} could not be asked for held mail: {why}; the next attempt is in {next}',
    data: { entry: 'text', host: 'text', why: 'text', next: 'milliseconds' },
    advice: '`ims dequeue now NAME` tries at once and shows the dialogue.',
  },
  3881: {
    name: 'dequeue.refused',
    severity: 'warning',
    category: 'transport',
    title: 'A host refused to send the mail that it holds for us',
    text: '{entry}: {host} refused {command}: {reply}',
    data: { entry: 'text', host: 'text', command: 'text', reply: 'reply' },
    rfc: ['1985 §5.3', '2645 §5.2.1'],
    advice: 'Ask the provider whether it holds mail for that domain, and who may ask for it.',
  },
  3882: {
    name: 'dequeue.program-failed',
    severity: 'warning',
    category: 'transport',
    title: 'A program for fetching held mail failed',
    text: '{entry}: the program {when} fetching ({program}) failed: {why}; output: {output}',
    data: { entry: 'text', when: 'text', program: 'path', why: 'text', output: 'text' },
    advice: 'Run the program by hand as the user of the service; its output says why.',
  },
} as const satisfies CatalogueSection;
