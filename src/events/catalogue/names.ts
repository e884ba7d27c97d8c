import type { CatalogueSection } from '../row.ts';

/** Events of names. */
export const namesEvents = {} as const satisfies CatalogueSection;
