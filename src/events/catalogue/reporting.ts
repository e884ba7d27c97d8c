import type { CatalogueSection } from '../row.ts';

/** Events of reports to senders, and of the journal and the timelines themselves. */
export const reportingEvents = {
  2500: {
    name: 'reporting.undeliverable-report-dropped',
    severity: 'information',
    category: 'reporting',
    level: 3,
    title: 'A message with the null reverse-path could not be delivered and was dropped',
    text: '{queueId} for {recipient} could not be delivered ({reason}); its reverse-path is null, so nobody is told',
    data: { queueId: 'queueId', recipient: 'mailbox', reason: 'text' },
    rfc: ['5321 §6.1'],
  },
  3500: {
    name: 'reporting.content-unreadable',
    severity: 'warning',
    category: 'reporting',
    title: 'A report was made without the message that it is about',
    text: 'the content of {queueId} could not be read for a report: {errno} {reason}; the sender was told without it',
    data: { queueId: 'queueId', errno: 'errno', reason: 'text' },
    advice: 'Check the disk that holds the queue: read errors there also stop the delivery of mail.',
  },
  3501: {
    name: 'reporting.addressee-unresolved',
    severity: 'warning',
    category: 'reporting',
    title: 'The aliases of a report addressee could not be looked up',
    text: 'a report for {mailbox} goes to that address itself, because its aliases could not be looked up: {reason}',
    data: { mailbox: 'mailbox', reason: 'text' },
    advice: 'Check the directory that holds the aliases of this domain.',
  },
  3510: {
    name: 'journal.events-dropped',
    severity: 'warning',
    category: 'life-cycle',
    title: 'Events were dropped because their reader was too slow',
    text: '{count} events could not be written to {writer}, because its reader was too slow or gone; they are lost there',
    data: { count: 'count', writer: 'text' },
    advice:
      'Look why the program that reads the standard output of the service does not keep up; the event log on disk may be complete.',
  },
  3511: {
    name: 'journal.log-failing',
    severity: 'warning',
    category: 'storage',
    title: 'A log of events or timelines cannot be written',
    text: 'writing below {path} fails: {errno} {reason}; mail goes on, but its history is incomplete until this is over',
    data: { path: 'path', errno: 'errno', reason: 'text' },
    advice: 'Check free space, quota and permissions of the directory; writing is tried again by itself.',
  },
  2511: {
    name: 'journal.log-restored',
    severity: 'information',
    category: 'storage',
    title: 'A log of events or timelines can be written again',
    text: 'writing below {path} works again; {count} entries were lost meanwhile',
    data: { path: 'path', count: 'count' },
  },
  4131: {
    name: 'journal.unexpected-error',
    severity: 'error',
    category: 'life-cycle',
    title: 'An unexpected error occurred; information is in the data portion',
    text: 'unexpected error in {where}: {reason} ({errno}) {trace}',
    data: { where: 'text', reason: 'text', errno: 'errno', trace: 'text' },
    advice:
      'Report this as a defect of the service, with the data of the event; the part named in it has been ended and the rest goes on.',
  },
} as const satisfies CatalogueSection;
