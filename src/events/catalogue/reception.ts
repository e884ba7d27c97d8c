import type { CatalogueSection } from '../row.ts';

/** Events of reception. */
export const receptionEvents = {} as const satisfies CatalogueSection;
