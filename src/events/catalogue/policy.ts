import type { CatalogueSection } from '../row.ts';

/** Events of policy. */
export const policyEvents = {} as const satisfies CatalogueSection;
