import type { CatalogueSection } from '../row.ts';

/** Events of service. */
export const serviceEvents = {} as const satisfies CatalogueSection;
