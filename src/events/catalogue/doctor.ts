import type { CatalogueSection } from '../row.ts';

/** Events of doctor: what the service finds when it examines itself. */
export const doctorEvents = {
  3960: {
    name: 'doctor.condition-found',
    severity: 'warning',
    category: 'administration',
    title: 'A check found something that is not well',
    text: '{cause} Cure: {cure} (check {check}; event: {event})',
    data: { check: 'text', cause: 'text', cure: 'text', event: 'text' },
    advice: '`ims doctor --only CHECK` shows the evidence; `ims doctor --watch CHECK` says when it is over.',
  },
  2960: {
    name: 'doctor.condition-over',
    severity: 'information',
    category: 'administration',
    title: 'A check finds well again what was not',
    text: '{check} is well again after {lasted}; it was: {cause}',
    data: { check: 'text', cause: 'text', lasted: 'milliseconds' },
  },
} as const satisfies CatalogueSection;
