import type { CatalogueSection } from '../row.ts';

/** Events of reporting. */
export const reportingEvents = {} as const satisfies CatalogueSection;
