import type { CatalogueSection } from '../row.ts';

/** Events of recipients. */
export const recipientsEvents = {
  3600: {
    name: 'recipients.alias-broken',
    severity: 'warning',
    category: 'configuration',
    title: 'An alias leads to no mailbox',
    text: 'mail for {recipient} does not reach all its targets: {fault}',
    data: { recipient: 'mailbox', fault: 'text' },
    advice: 'Correct the alias under domains; a sender is told to try later where nothing of it can be delivered.',
  },
} as const satisfies CatalogueSection;
