import type { CatalogueSection } from '../row.ts';

/** Events of what an administrator orders of the service as a whole: whether mail is taken and sent, and where it is kept. */
export const transferEvents = {
  3860: {
    name: 'transfer.limited',
    severity: 'warning',
    category: 'administration',
    title: 'Mail is not taken, or not sent, by order',
    text: 'transfer mode {mode}: {meaning}, until {until}; {waiting} messages wait; reason: {reason}',
    data: { mode: 'text', meaning: 'text', waiting: 'count', until: 'text', reason: 'text' },
    advice: 'Nothing is broken. `ims transfer both` ends it; mail that expires meanwhile is returned to its sender.',
  },
  3861: {
    name: 'transfer.still-limited',
    severity: 'warning',
    category: 'administration',
    title: 'Mail is still not taken, or not sent, by order',
    text: 'transfer mode {mode} since {since}: {meaning}; {waiting} messages wait',
    data: { mode: 'text', meaning: 'text', since: 'time', waiting: 'count' },
    advice: 'Told every hour, so that nobody forgets it. `ims transfer both` ends it.',
  },
  2860: {
    name: 'transfer.whole',
    severity: 'information',
    category: 'administration',
    title: 'Mail is taken and sent again',
    text: 'mail is taken and sent again; {waiting} messages wait',
    data: { waiting: 'count' },
  },
  2861: {
    name: 'transfer.data-moved',
    severity: 'information',
    category: 'storage',
    title: 'The data directory was moved',
    text: 'the data directory was moved from {from} to {path}: {files} files, {bytes}; what it was is kept as {old}',
    data: { from: 'path', path: 'path', files: 'count', bytes: 'bytes', old: 'path' },
  },
  3862: {
    name: 'transfer.file-unreadable',
    severity: 'warning',
    category: 'administration',
    title: 'The kept transfer mode cannot be read',
    text: 'the transfer mode kept in {path} cannot be used: {why}; mail is taken and sent',
    data: { path: 'path', why: 'text' },
    advice: 'Order the mode anew where another than both is wanted: `ims transfer in`, `out` or `none`.',
  },
} as const satisfies CatalogueSection;
