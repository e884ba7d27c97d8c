import type { CatalogueSection } from '../row.ts';

/** Events of recipients. */
export const recipientsEvents = {} as const satisfies CatalogueSection;
