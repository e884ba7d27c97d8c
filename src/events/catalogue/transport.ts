import type { CatalogueSection } from '../row.ts';

/** Events of transport. */
export const transportEvents = {
  2650: {
    name: 'transport.proxy-works-again',
    severity: 'information',
    category: 'transport',
    title: 'A proxy works again',
    text: 'the proxy {proxy} works again',
    data: { proxy: 'text' },
  },
  3650: {
    name: 'transport.proxy-unreachable',
    severity: 'warning',
    category: 'transport',
    title: 'A proxy cannot be reached',
    text: 'the proxy {proxy} ({host}) cannot be reached: {why}; mail that needs it waits and is not returned',
    data: { proxy: 'text', host: 'text', why: 'text' },
    advice:
      'Check that the proxy runs, and its host, port and TLS under routing.proxies; delivery is tried again by itself.',
  },
  3651: {
    name: 'transport.proxy-silent',
    severity: 'warning',
    category: 'transport',
    title: 'A proxy took a connection and did not answer',
    text: 'the proxy {proxy} ({host}) did not answer: {why}; mail that needs it waits and is not returned',
    data: { proxy: 'text', host: 'text', why: 'text' },
    advice: 'Look at the log of the proxy: it hangs, or it closes connections from this address.',
  },
  3652: {
    name: 'transport.proxy-login-refused',
    severity: 'warning',
    category: 'transport',
    title: 'A proxy did not accept the login',
    text: 'the proxy {proxy} ({host}) did not accept the login: {why}; mail that needs it waits and is not returned',
    data: { proxy: 'text', host: 'text', why: 'text' },
    rfc: ['1929 §2', '9110 §15.5.8'],
    advice: 'Correct the login under routing.proxies; delivery is tried again by itself.',
  },
  3653: {
    name: 'transport.proxy-wrong-protocol',
    severity: 'warning',
    category: 'transport',
    title: 'A proxy speaks another protocol than configured',
    text: 'the proxy {proxy} ({host}) is not of the configured kind: {why}; mail that needs it waits and is not returned',
    data: { proxy: 'text', host: 'text', why: 'text' },
    advice: 'Correct kind, port and tls of the proxy under routing.proxies.',
  },
  3654: {
    name: 'transport.proxy-refused',
    severity: 'warning',
    category: 'transport',
    title: 'A proxy refused to make a connection',
    text: 'the proxy {proxy} ({host}) refused to connect: {why}; mail that needs it waits and is not returned',
    data: { proxy: 'text', host: 'text', why: 'text' },
    rfc: ['1928 §6'],
    advice: 'Allow connections from this host to the ports of mail (25) in the rules of the proxy.',
  },
  3886: {
    name: 'transport.proxy-hangs',
    severity: 'warning',
    category: 'transport',
    title: 'Nothing comes through a proxy from a host',
    text: 'the proxy {proxy} ({host}) passes nothing on: {why}; mail by it for that host waits and is not returned',
    data: { proxy: 'text', host: 'text', why: 'text' },
    advice:
      'Where other mail goes through the proxy, the host hangs; else look at the log and the load of the proxy. Both are looked after by themselves.',
  },
  3655: {
    name: 'transport.proxy-header-refused',
    severity: 'warning',
    category: 'transport',
    title: 'A connection of a trusted proxy was closed for want of a right PROXY header',
    text: 'a connection from {peer} to {listener} was closed: {why}',
    data: { peer: 'address', listener: 'text', why: 'text' },
    advice:
      'Let the proxy send PROXY headers (send-proxy, send-proxy-v2), or take its address out of proxyProtocol.trusted.',
  },
  3656: {
    name: 'transport.proxy-header-untrusted',
    severity: 'warning',
    category: 'transport',
    title: 'A PROXY header from an address that is not trusted was refused',
    text: '{peer} sent a PROXY header to {listener}, which does not trust it; the connection was refused',
    data: { peer: 'address', listener: 'text' },
    advice:
      'Where this is your proxy, add its address to proxyProtocol.trusted of the listener; else somebody tried to hide.',
  },
} as const satisfies CatalogueSection;
