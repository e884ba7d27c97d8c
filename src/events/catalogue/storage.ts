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
} as const satisfies CatalogueSection;
