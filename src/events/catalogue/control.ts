import type { CatalogueSection } from '../row.ts';

/** Events of control: the socket that the command line talks to. */
export const controlEvents = {
  2850: {
    name: 'control.action-done',
    severity: 'information',
    category: 'administration',
    title: 'An operator changed something',
    text: '{action} was done: {summary}',
    data: { action: 'text', summary: 'text' },
  },
  3850: {
    name: 'control.connection-refused',
    severity: 'warning',
    category: 'administration',
    title: 'A connection to the control socket was refused',
    text: 'more than {most} tools are connected to the control socket; a further one was refused',
    data: { most: 'count' },
    advice: 'Look for a monitoring tool that opens connections and does not end them.',
  },
  4850: {
    name: 'control.action-failed',
    severity: 'error',
    category: 'administration',
    title: 'An operator action failed unexpectedly',
    text: 'the action {action} failed: {why}',
    data: { action: 'text', why: 'text' },
    advice: 'Try it again; where it fails again, the events before this one say more.',
  },
} as const satisfies CatalogueSection;
