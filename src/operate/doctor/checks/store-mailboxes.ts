import { domainKey, needsSmtpUtf8, printMailbox } from '../../../mail/mailbox.ts';
import { defineCheck, type Parts } from '../check.ts';
import type { DialogueReply } from '../facts/dialogue.ts';
import { connectingResolver, type SmartHost, smartHostsOf } from '../facts/smart-host-way.ts';
import { askStore, type StoreReplies } from '../facts/store-session.ts';
import { showPlace } from '../facts/usage.ts';
import { askAgainMs, checkMsMax, evidenceMax, loginEveryMs, sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Cure, type Evidence } from '../verdict.ts';

/** Mailboxes of the settings that are delivered to a group, by its name. */
function mailboxesOf({ domains }: Parts['settings']): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, domain] of Object.entries(domains))
    for (const [localPart, { delivery, disabled }] of Object.entries(domain.mailboxes)) {
      const mailbox = { localPart, domain: domainKey(name.toLowerCase()) || name };
      const group = delivery === undefined ? domain.lmtp : 'lmtp' in delivery ? delivery.lmtp : undefined;
      if (group === undefined || disabled !== undefined || needsSmtpUtf8(mailbox)) continue;
      groups.set(group, [...(groups.get(group) ?? []), printMailbox(mailbox)]);
    }
  return groups;
}

/** A store, whom it was asked for, and what it said. */
interface Asked {
  readonly store: SmartHost;
  readonly mailboxes: readonly string[];
  readonly all: number;
  readonly end: StoreReplies;
}

const textOf = (reply: DialogueReply): string => reply.lines.map((line) => line.slice(4)).join(' ');
const wordsOf = (reply: DialogueReply): string => `${reply.code} ${textOf(reply)}`.slice(0, 200);
/** RFC 3463 §3.3, and 452 and 552 of old (RFC 5321 §4.2.3) without another enhanced code. */
const isFull = (reply: DialogueReply): boolean =>
  /^[45]\.2\.2\b/.test(textOf(reply)) ||
  ((reply.code === 452 || reply.code === 552) && !/^[45]\.(?!2\.2)\d/.test(textOf(reply))) ||
  /over ?quota|quota exceeded|mailbox (?:is )?full/i.test(textOf(reply));

/** One that is not known says more than one that is full. */
const gravity = (reply: DialogueReply): number => reply.code + (isFull(reply) ? 0 : 10);

const WATCH = 'ims doctor --watch ways.mailboxes says when it takes them';

/** What is wrong with a mailbox at its store. */
function faultOf(
  store: string,
  mailbox: string,
  reply: DialogueReply,
  others: number,
): Cure & { readonly cause: string } {
  const more = others === 0 ? '' : ` (and ${others} more are refused)`;
  // RFC 5321 §4.5.3.1.10: 552 to RCPT is an old way of saying 452.
  const fate = reply.code < 500 || reply.code === 552 ? 'Mail to it waits' : 'Mail to it is returned to its senders';
  const said = `'${wordsOf(reply)}'${more}. ${fate}.`;
  if (isFull(reply))
    return {
      cause: `The mailbox ${mailbox} is full (over its quota) at the mail store ${store}: ${said}`,
      cure: `Let its owner delete mail, or raise its quota in the store; ${WATCH}`,
    };
  if (reply.code < 500)
    return {
      cause: `The mail store ${store} takes no mail for ${mailbox} for the time being: ${said}`,
      cure: `The words are those of the store: its log at this time says more; ${WATCH}`,
    };
  const [localPart = '', domain = ''] = [
    mailbox.slice(0, mailbox.lastIndexOf('@')),
    mailbox.slice(mailbox.lastIndexOf('@') + 1),
  ];
  return {
    cause: `The mail store ${store} refuses the mailbox ${mailbox}, which the settings have: ${said}`,
    cure: `Make the mailbox in the store (user and domain as in the address, or what its user table expects); or take '${localPart}' out of domains.${domain}.mailboxes and ims reload; ${WATCH}`,
  };
}

/** What no mailbox of a store can help. */
function sessionFault(
  store: string,
  said: DialogueReply | undefined,
  why: string,
): (Cure & { readonly cause: string }) | undefined {
  if (said === undefined || said.code < 500) return undefined;
  return {
    cause: `The mail store ${store} lets nobody deliver from here: it answers ${why}. Mail to it is refused or waits.`,
    cure:
      said.code === 530
        ? 'It demands a login: set login of the group, or allow this host there'
        : 'Allow this host in the store, or correct the group in routing.smartHosts',
  };
}

/** The directory here and that of the store must agree. */
export const storesKnowMailboxes = defineCheck({
  id: 'ways.mailboxes',
  number: 808,
  title: 'Mail stores take mail for our mailboxes',
  why: 'A mailbox that the settings have and its store does not is accepted for here and then returned; one that is full waits or is returned. Stores are asked by RCPT, without mail, at the start, after a change, and once in an hour at the most.',
  needs: ['settings', 'host', 'resolver', 'network', 'clock'],
  after: ['ways.smart-hosts', 'ways.logins'],
  cost: 'network',
  deadlineMs: checkMsMax,
  everyMs: loginEveryMs,
  async look({ settings, host, ...others }) {
    const parts = { settings, ...others, resolver: connectingResolver({ settings, host, ...others }) };
    const groups = mailboxesOf(settings);
    if (groups.size === 0) return notApplicable('no mailbox is in a mail store');
    const stores = smartHostsOf(settings).filter(({ name, group }) => groups.has(name) && group.protocol === 'lmtp');
    if (stores.length === 0)
      return unknown('the stores are reached through gateways, or with a PROXY header, which this check does not try');
    const asked = await Promise.all(stores.map((store) => ask(store, groups.get(store.name) ?? [], parts)));
    const evidence = asked.flatMap(rowsOf).slice(0, evidenceMax);
    for (const one of asked) {
      const store = `${showPlace(one.store.host.host, one.store.host.port)} (${one.store.name})`;
      const { end } = one;
      const refused = refusedOf(one);
      const [worst] = refused.toSorted((a, b) => gravity(b.reply) - gravity(a.reply));
      const fault =
        worst !== undefined
          ? faultOf(store, worst.mailbox, worst.reply, refused.length - 1)
          : end.kind === 'none'
            ? sessionFault(store, end.said, end.why)
            : undefined;
      if (fault !== undefined) {
        const { cause, ...cure } = fault;
        return unhealthy(cause, cure, evidence);
      }
    }
    const unsure = asked.find(({ end }) => end.kind === 'none' || end.ended !== undefined);
    if (unsure === undefined) return healthy(evidence);
    const why = unsure.end.kind === 'none' ? unsure.end.why : (unsure.end.ended ?? '');
    return unknown(`a store could not be asked for every mailbox: ${why}`, evidence);
  },
});

async function ask(
  store: SmartHost,
  all: readonly string[],
  parts: Pick<Parts, 'settings' | 'network' | 'clock' | 'resolver'>,
): Promise<Asked> {
  const mailboxes = all.slice(0, sampleMax);
  const end = await askStore(store, mailboxes, parts);
  const first = { store, mailboxes, all: all.length, end };
  const late = refusedOf(first).filter(({ reply }) => reply.code < 500);
  if (late.length === 0 || end.kind === 'none') return first;
  // A store that has a bad moment is asked once more.
  await new Promise<void>((resolve) => parts.clock.after(askAgainMs, resolve));
  const again = await askStore(
    store,
    late.map(({ mailbox }) => mailbox),
    parts,
  );
  if (again.kind === 'none') return first;
  const replies = end.replies.map(
    (reply, at) => again.replies[late.findIndex(({ mailbox }) => mailbox === mailboxes[at])] ?? reply,
  );
  return { ...first, end: { ...end, replies } };
}

const refusedOf = ({ mailboxes, end }: Asked) =>
  end.kind === 'none'
    ? []
    : end.replies.flatMap((reply, at) => (reply.code >= 400 ? [{ mailbox: mailboxes[at] ?? '', reply }] : []));

function rowsOf(one: Asked): readonly Evidence[] {
  const { store, mailboxes, all, end } = one;
  const where = `${store.name}: ${showPlace(store.host.host, store.host.port)}`;
  if (end.kind === 'none') return [row(where, 'takes mail for our mailboxes', end.why)];
  const refused = refusedOf(one);
  const some = all > mailboxes.length ? `, of ${all} in all` : '';
  return [
    row(where, `takes mail for ${mailboxes.length} mailboxes`, `for ${end.replies.length - refused.length}${some}`),
    ...refused.map(({ mailbox, reply }) => row(`RCPT of ${mailbox} at ${store.name}`, '250', wordsOf(reply))),
  ];
}
