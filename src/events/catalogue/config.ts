import type { CatalogueSection } from '../row.ts';

/** Events of config. */
export const configEvents = {} as const satisfies CatalogueSection;
