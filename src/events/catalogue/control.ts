import type { CatalogueSection } from '../row.ts';

/** Events of control. */
export const controlEvents = {} as const satisfies CatalogueSection;
