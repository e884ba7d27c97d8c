import type { CatalogueSection } from '../row.ts';

/** Events of scheduler. */
export const schedulerEvents = {} as const satisfies CatalogueSection;
