import type { CatalogueSection } from '../row.ts';

/** Events of config: none of its own; what a reload did is said by the service. */
export const configEvents = {} as const satisfies CatalogueSection;
