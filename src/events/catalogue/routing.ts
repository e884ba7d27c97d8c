import type { CatalogueSection } from '../row.ts';

/** Events of routing. */
export const routingEvents = {} as const satisfies CatalogueSection;
