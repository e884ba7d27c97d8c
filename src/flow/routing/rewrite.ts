import type { Edit } from '../../mail/edits.ts';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import { domainKey, printMailbox } from '../../mail/mailbox.ts';
import type { Mailbox, ReversePath } from '../../mail/mailbox.ts';
import { parseAddress, parseAddressList } from '../../protocol/headers/addresses.ts';
import type { HeaderField } from '../../protocol/headers/scanner.ts';

/** Changes the sender addresses of a message that leaves: its reverse-path, and edits of the fields given. */
export type SenderRewrite = (
  envelope: Pick<EnvelopeOptions, 'reversePath'>,
  fields: readonly Pick<HeaderField, 'name' | 'start' | 'octets' | 'cut'>[],
) => {
  readonly reversePath: ReversePath;
  readonly edits: readonly Edit[];
};

const FIELDS: ReadonlySet<string> = new Set(['from', 'sender', 'reply-to']);

type AddressMap = (mailbox: Mailbox) => Mailbox | undefined;

/**
 * Makes the rewriting of `routing.rewrite`, or undefined where nothing is rewritten. A whole address comes before its domain; domains
 * compare exactly, by whole labels. The null reverse-path stays null. Only the addr-spec is replaced: names, comments and folding stay.
 */
export function createRewrite(rules: Readonly<Record<string, string>>): SenderRewrite | undefined {
  const map = addressMap(rules);
  if (map === undefined) return undefined;
  return (envelope, fields) => {
    const { reversePath } = envelope;
    return {
      reversePath: reversePath === null ? null : (map(reversePath) ?? reversePath),
      edits: fields.flatMap((field) => (FIELDS.has(field.name) ? fieldEdits(field, map) : [])),
    };
  };
}

function addressMap(rules: Readonly<Record<string, string>>): AddressMap | undefined {
  const addresses = new Map<string, Mailbox>();
  const domains = new Map<string, string>();
  for (const [from, to] of Object.entries(rules)) {
    if (!from.includes('@')) {
      domains.set(domainKey(from.toLowerCase()), to.toLowerCase());
      continue;
    }
    const inner = parseAddress(from);
    const outer = parseAddress(to);
    if (inner !== undefined && outer !== undefined) addresses.set(keyOf(inner), outer);
  }
  if (addresses.size === 0 && domains.size === 0) return undefined;
  return (mailbox) => {
    const outer = addresses.get(keyOf(mailbox));
    if (outer !== undefined) return outer;
    const domain = domains.get(domainKey(mailbox.domain));
    return domain === undefined ? undefined : { localPart: mailbox.localPart, domain };
  };
}

/** The addresses rewritten are ours, so their local parts compare without case. */
function keyOf(mailbox: Mailbox): string {
  return `${mailbox.localPart.toLowerCase()}@${domainKey(mailbox.domain)}`;
}

function fieldEdits({ start, octets, cut }: Pick<HeaderField, 'start' | 'octets' | 'cut'>, map: AddressMap): Edit[] {
  const colon = octets.indexOf(58);
  if (colon === -1) return [];
  // Read octet by octet, so that offsets in the text are offsets in the content.
  const text = octets.toString('latin1', colon + 1);
  const edits: Edit[] = [];
  for (const { mailbox, start: from, end } of parseAddressList(text)) {
    // The last address of a field that was cut may lack its end.
    if (cut && end === text.length) continue;
    const outer = map({ localPart: utf8(mailbox.localPart), domain: utf8(mailbox.domain) });
    if (outer !== undefined)
      edits.push({ at: start + colon + 1 + from, remove: end - from, insert: Buffer.from(printMailbox(outer)) });
  }
  return edits;
}

function utf8(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1;
}
