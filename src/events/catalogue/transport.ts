import type { CatalogueSection } from '../row.ts';

/** Events of transport. */
export const transportEvents = {} as const satisfies CatalogueSection;
