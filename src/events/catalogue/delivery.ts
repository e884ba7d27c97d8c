import type { CatalogueSection } from '../row.ts';

/** Events of delivery. */
export const deliveryEvents = {} as const satisfies CatalogueSection;
