import type { CatalogueSection } from '../row.ts';

/** Events of queue. */
export const queueEvents = {} as const satisfies CatalogueSection;
