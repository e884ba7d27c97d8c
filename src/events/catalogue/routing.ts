import type { CatalogueSection } from '../row.ts';

/** Events of routing. */
export const routingEvents = {
  4115: {
    name: 'routing.loop-to-ourselves',
    severity: 'error',
    category: 'routing',
    title: 'Mail would loop: its next hop is this server',
    text: 'mail for {nextHop} would come back to this server ({host}) and is returned to its sender: {reason}',
    data: { nextHop: 'nextHop', host: 'host', reason: 'text' },
    rfc: ['5321 §5.1'],
    advice:
      'If the domain is yours, add it under domains or routing.relayDomains with a route; if a smart host is this server, correct routing.smartHosts.',
  },
} as const satisfies CatalogueSection;
