import type { CatalogueSection } from '../row.ts';

/** Events of signing (DKIM). */
export const signingEvents = {
  2260: {
    name: 'preparation.signing-key-usable',
    severity: 'information',
    category: 'configuration',
    title: 'A key that signs can be used again',
    text: 'mail of {domain} is signed again with the key {selector}',
    data: { domain: 'text', selector: 'text' },
  },
  3260: {
    name: 'preparation.signing-key-unusable',
    severity: 'warning',
    category: 'configuration',
    title: 'A key that signs cannot be used',
    text: 'mail of {domain} leaves without the signature of {selector}: {path} {cause}',
    data: { domain: 'text', selector: 'text', path: 'path', cause: 'text' },
    rfc: ['6376 §5'],
    advice: 'Put a private key in PEM form there, readable by the user that starts the service, and reload.',
  },
  3261: {
    name: 'preparation.signing-failed',
    severity: 'warning',
    category: 'configuration',
    title: 'A message could not be signed',
    text: 'mail of {domain} leaves without the signature of {selector} as long as the key cannot be used: {why}',
    data: { domain: 'text', selector: 'text', why: 'text' },
    advice: 'Make another key with `ims dkim new`, publish its record, and reload.',
  },
} as const satisfies CatalogueSection;
