import type { CatalogueSection } from '../row.ts';

/** Events of supervisor. */
export const supervisorEvents = {} as const satisfies CatalogueSection;
