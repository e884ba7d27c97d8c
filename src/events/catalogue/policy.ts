import type { CatalogueSection } from '../row.ts';

/** Events of policy. */
export const policyEvents = {
  2250: {
    name: 'policy.client-blocked',
    severity: 'information',
    category: 'policy',
    title: 'A client in a blocked network was refused',
    text: '{client} was refused with 554: it is in the blocked network {network}',
    data: { client: 'address', network: 'text' },
    level: 3,
  },
  2251: {
    name: 'policy.login-refused',
    severity: 'information',
    category: 'policy',
    title: 'A login failed',
    text: 'login of {account} from {client} failed',
    data: { client: 'address', account: 'mailbox' },
  },
  3250: {
    name: 'policy.network-unreadable',
    severity: 'warning',
    category: 'policy',
    title: 'A network in the settings cannot be read and is ignored',
    text: '{network} is no network in CIDR notation',
    data: { network: 'text' },
    advice: 'Correct the entry in policy.localNetworks, policy.blockedNetworks or policy.etrn.hosts.',
  },
  3251: {
    name: 'policy.directory-unavailable',
    severity: 'warning',
    category: 'policy',
    title: 'The directory cannot say which recipients exist',
    text: 'recipients are answered with 451 until the directory answers: {why}',
    data: { why: 'text' },
  },
  3252: {
    name: 'policy.login-unavailable',
    severity: 'warning',
    category: 'policy',
    title: 'A login could not be checked',
    text: 'a login from {client} was answered with 454: {why}',
    data: { client: 'address', why: 'text' },
  },
} as const satisfies CatalogueSection;
