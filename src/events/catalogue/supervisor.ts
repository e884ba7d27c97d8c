import type { CatalogueSection } from '../row.ts';

/** Events of supervisor. */
export const supervisorEvents = {
  4007: {
    name: 'supervisor.listener-not-bound',
    severity: 'error',
    category: 'life-cycle',
    title: 'A listener could not be bound',
    text: 'listener {listener} could not be bound to {address} port {port}: {errno}, {cause}; everything else runs, and it is tried again',
    data: { listener: 'text', address: 'address', port: 'port', errno: 'errno', cause: 'text' },
    advice:
      'Free the port, or change the listener in the configuration; it is bound by itself as soon as that is possible.',
  },
  2800: {
    name: 'supervisor.listener-bound',
    severity: 'information',
    category: 'life-cycle',
    title: 'A listener that could not be bound is bound now',
    text: 'listener {listener} is bound to {address} port {port}',
    data: { listener: 'text', address: 'address', port: 'port' },
  },
  3800: {
    name: 'supervisor.child-ended',
    severity: 'warning',
    category: 'life-cycle',
    title: 'A process of the service ended and is started again',
    text: '{role} {index} ended ({how}); it is started again in {wait}',
    data: { role: 'text', index: 'count', how: 'text', wait: 'milliseconds' },
    advice: 'Nothing is lost. When it repeats, the events before it say why.',
  },
  3801: {
    name: 'supervisor.socket-unused',
    severity: 'warning',
    category: 'life-cycle',
    title: 'A socket that systemd handed over belongs to no listener',
    text: 'the socket {name} ({address} port {port}) that systemd handed over belongs to no listener; connections to it are not answered',
    data: { name: 'text', address: 'address', port: 'port' },
    advice:
      'Give it the name of a listener (FileDescriptorName= in the socket unit), or configure a listener with its port.',
  },
  4800: {
    name: 'supervisor.child-hung',
    severity: 'error',
    category: 'life-cycle',
    title: 'A process of the service did not react and is ended',
    text: '{role} {index} has not reacted for {silent}; it is ended and started again',
    data: { role: 'text', index: 'count', silent: 'milliseconds' },
    advice: 'Report it with the events before; nothing accepted is lost.',
  },
  4801: {
    name: 'supervisor.already-running',
    severity: 'error',
    category: 'life-cycle',
    title: 'Another instance of the service works in this data directory',
    text: 'another ims service holds {path}',
    data: { path: 'path' },
    advice: 'Use the running one (`ims status`), or stop it first (`ims stop`).',
  },
  2820: {
    name: 'supervisor.listeners-side-by-side',
    severity: 'information',
    category: 'life-cycle',
    title: 'Listeners on every IPv4 and every IPv6 address share a port',
    text: '0.0.0.0 and [::] port {port} (listeners {other}, {listener}) would overlap (dual stack), so [::] takes IPv6 alone (IPV6_V6ONLY); nothing else holds the port',
    data: { listener: 'text', other: 'text', port: 'count' },
  },
  3820: {
    name: 'supervisor.listener-ipv4-only',
    severity: 'warning',
    category: 'life-cycle',
    title: 'A listener takes IPv4 alone, since there is no IPv6',
    text: 'IPv6 is not available to the service ({errno}): listener {listener} listens at 0.0.0.0 port {port} in place of [::]',
    data: { listener: 'text', port: 'count', errno: 'errno' },
    advice: 'Write 0.0.0.0 for the address of that listener, or give the service IPv6.',
  },
} as const satisfies CatalogueSection;
