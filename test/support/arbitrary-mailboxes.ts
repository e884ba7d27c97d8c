import fc from 'fast-check';

const label = fc
  .string({ unit: fc.constantFrom('a', 'b', '1', '-', '_', 'ü'), minLength: 1, maxLength: 8 })
  .filter((text) => !/^-|-$|^..--|--/.test(text));
const domain = fc.oneof(
  fc
    .array(label, { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join('.'))
    .filter((text) => !/^[\d.]+$/.test(text) && !/(^|\.)\d[^.]*$/.test(text)),
  fc.ipV4().map((address) => `[${address}]`),
  fc.ipV6().map((address) => `[ipv6:${address.toLowerCase()}]`),
);
const localPart = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'B', '.', '"', '\\', ' ', '@', '<', '>', ',', 'é', '+', '='), maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('a', 'Z', '0', '!', '+'), minLength: 1, maxLength: 20 }),
);

/** Mailboxes with a domain or an address literal, whose local parts need quoting or not. */
export const mailboxes = fc.record({ localPart, domain }, { noNullPrototype: true });
