import type { CatalogueSection } from '../row.ts';

/** Events of the storage that the queue stands on. */
export const storageEvents = {
  3018: {
    name: 'storage.space-low',
    severity: 'warning',
    category: 'storage',
    title: 'Disk space on the queue drive dropped below the floor',
    text: 'only {free} are free at {path}, below the floor of {floor}; new mail is refused with 452 until {resume} are free',
    data: { path: 'path', free: 'bytes', floor: 'bytes', resume: 'bytes' },
    advice: 'Free space on the file system of the queue, or move other data away; acceptance resumes by itself.',
  },
  3019: {
    name: 'storage.space-enough',
    severity: 'warning',
    category: 'storage',
    title: 'Disk space on the queue drive is sufficient again',
    text: '{free} are free at {path} again; mail is accepted',
    data: { path: 'path', free: 'bytes' },
  },
  4900: {
    name: 'storage.write-failed',
    severity: 'error',
    category: 'storage',
    title: 'Writing the queue failed',
    text: 'writing {path} failed: {errno}; nothing is accepted and no delivery begins until storage works again; outcomes of those under way are kept in memory',
    data: { path: 'path', errno: 'errno' },
    advice: 'Check the disk and its file system (kernel log, free space, mount options); acceptance resumes by itself.',
  },
  3900: {
    name: 'storage.works-again',
    severity: 'warning',
    category: 'storage',
    title: 'Writing the queue works again',
    text: '{path} has been opened and synced; mail is accepted again',
    data: { path: 'path' },
  },
  3901: {
    name: 'storage.maintenance-failed',
    severity: 'warning',
    category: 'storage',
    title: 'A file of the queue could not be looked after',
    text: '{action} of {path} failed: {errno}; it is tried again later',
    data: { action: 'text', path: 'path', errno: 'errno' },
    advice: 'Check the disk and the permissions of the queue directory.',
  },
} as const satisfies CatalogueSection;
