import type { CatalogueSection } from '../row.ts';

/** Events of names. */
export const namesEvents = {
  2700: {
    name: 'names.server-answered',
    severity: 'information',
    category: 'names',
    title: 'A name server answers again',
    text: 'name server {server} answers again',
    data: { server: 'text' },
  },
  2701: {
    name: 'names.available',
    severity: 'information',
    category: 'names',
    title: 'Names are looked up again',
    text: 'names are looked up again: {server} answers; mail that waited for a name goes on',
    data: { server: 'text' },
  },
  2702: {
    name: 'names.server-dropped',
    severity: 'information',
    category: 'names',
    title: 'A name server that failed was replaced',
    text: 'name server {server}, which failed, is forgotten: the name servers were set anew; mail that waited for a name goes on',
    data: { server: 'text' },
  },
  3700: {
    name: 'names.server-failed',
    severity: 'warning',
    category: 'names',
    title: 'A name server does not answer',
    text: 'name server {server} does not answer as it should: {reason}; it is asked last until it does',
    data: { server: 'text', reason: 'text' },
    advice: 'Check that the server runs and that UDP and TCP port 53 reach it; other servers are used meanwhile.',
  },
  3701: {
    name: 'names.unavailable',
    severity: 'warning',
    category: 'names',
    title: 'No resolver answered',
    text: 'none of {servers} name servers answers ({reason}); mail that needs a name waits and is not returned',
    data: { servers: 'count', reason: 'text' },
    advice: 'Check the network and names.servers (or /etc/resolv.conf); mail goes on by itself once a server answers.',
  },
} as const satisfies CatalogueSection;
