import type { QueueRow } from '../../../flow/queue/port.ts';
import { printReply, type Reply } from '../../../mail/reply.ts';
import { defineCheck, type Parts } from '../check.ts';
import { tellingly, waitingMail } from '../facts/waiting.ts';
import { evidenceMax, queueShareMax, untriedMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

const NOT_SEEN = 'the service does not answer: what waits cannot be seen';
const MINUTE = 60_000;

/** How long something has waited, as people say it. */
function ago(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / MINUTE));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

async function seen(parts: Pick<Parts, 'service'>): Promise<Awaited<ReturnType<typeof waitingMail>> | Verdict> {
  const answer = await parts.service.ask();
  if (answer.kind === 'not-running') return notApplicable('the service does not run');
  return (await waitingMail(parts)) ?? unknown(NOT_SEEN);
}

const isVerdict = (one: object | undefined): one is Verdict => one !== undefined && 'kind' in one;

/** Mail that is due must be tried. */
export const queueMoves = defineCheck({
  id: 'queue.moves',
  number: 1001,
  title: 'Mail that is due is tried',
  why: 'Where mail is due and nobody tries it, a worker hangs or a limit is too tight: it waits until it expires.',
  needs: ['clock', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ clock, service }) {
    const found = await seen({ service });
    if (found === undefined || isVerdict(found)) return found ?? unknown(NOT_SEEN);
    const now = clock.wall();
    const oldest = found.rows[0];
    const late = found.rows.filter(({ held, quarantined, claimed, dueAtMs, arrivedAtMs, attempts }) => {
      return !held && !quarantined && !claimed && attempts === 0 && now - Math.max(dueAtMs, arrivedAtMs) > untriedMs;
    });
    const evidence = [
      row('deliveries that wait', 'any number', String(found.total)),
      row(
        'the oldest',
        'younger than its expiry',
        oldest === undefined ? 'none' : `${oldest.queueId}, for ${ago(now - oldest.arrivedAtMs)}, to ${oldest.nextHop}`,
      ),
      row(`due for ${ago(untriedMs)} and never tried`, '0', String(late.length)),
    ];
    const first = late[0];
    if (first === undefined) return healthy(evidence);
    return unhealthy(
      `${late.length} deliveries are due and nobody tries them, ${first.queueId} to ${first.nextHop} for ${ago(now - first.dueAtMs)}.`,
      {
        cure: `ims queue show ${first.queueId}; ims status shows whether every worker runs; ims queue retry ${first.queueId} tries it now`,
      },
      evidence,
    );
  },
});

interface Failing {
  readonly words: string;
  readonly example: Reply;
  readonly hops: Set<string>;
  deliveries: number;
}

/** A reply without what differs from message to message. */
function gist(reply: Reply): string {
  return printReply(reply)
    .toLowerCase()
    .replace(/<[^>]*>|\[[^\]]*\]|\S+@\S+/g, '*')
    .replace(/\b(?=\w*\d)\w{6,}\b/g, '*')
    .replace(/\s+/g, ' ')
    .slice(0, 160);
}

/** Groups by the words of the last reply what was tried in vain. */
export function failingBy(rows: readonly QueueRow[]): readonly Failing[] {
  const groups = new Map<string, Failing>();
  for (const one of rows) {
    const reply = one.recipients?.find(({ lastReply }) => lastReply !== undefined)?.lastReply;
    if (reply === undefined) continue;
    const words = gist(reply);
    const group = groups.get(words) ?? { words, example: reply, hops: new Set<string>(), deliveries: 0 };
    group.hops.add(one.nextHop);
    group.deliveries += 1;
    groups.set(words, group);
  }
  return [...groups.values()].sort((a, b) => b.deliveries - a.deliveries);
}

/** A connection that ended in the middle of a message, which no check meets that only greets. */
const LOST = /connection (?:to .* )?was lost (?:while|after (?:DATA|the (?:end|whole)|MAIL|RCPT))/i;

/** What replies of other hosts mean, by their words: the first that fits. */
const MEANINGS: readonly {
  readonly words: RegExp;
  readonly cause: string;
  readonly cure: string;
  /** The fault is at their end: one such host is no fault of ours. */
  readonly theirs?: true;
}[] = [
  {
    words: /5\.7\.25|\bptr\b|reverse (?:dns|name|lookup|hostname)|rdns|find your (?:reverse )?hostname/i,
    cause: 'they find no reverse name (PTR record) for the address that we send from',
    cure: 'Ask whoever gave you the address for a PTR record with server.name; ims doctor --only names shows the exact text',
  },
  {
    words:
      /[45]\.1\.8\b|sender (?:address rejected: )?domain|domain of (?:the )?sender|sender address rejected: domain not found/i,
    cause: 'they do not find the domain of our senders in the name service',
    cure: 'Publish an MX or an address for each domain of ours; ims doctor --only names.domains shows the exact text',
  },
  {
    words: /helo|ehlo|greeting name|4\.7\.1.*host not found/i,
    cause: 'they refuse the name that we greet with (HELO, EHLO): it does not resolve, or is not qualified',
    cure: 'Publish an address for server.name, or set server.name to a name that has one; ims doctor --only names',
  },
  {
    words: /spamhaus|block ?list|blacklist|dnsbl|rbl|listed (?:at|in|by)|poor reputation/i,
    cause: 'they find our address on a block list',
    cure: 'Look up the list that the reply names, end what caused the listing, and ask for removal there',
  },
  {
    words: /spf|dkim|dmarc|5\.7\.2[036]|unauthenticated/i,
    cause: 'they do not find our mail authorised (SPF, DKIM or DMARC)',
    cure: 'Publish an SPF record that covers the address we send from, and sign (ims dkim new); ims doctor --only records shows the exact texts',
  },
  {
    words: /dnssec|bogus|signature expired/i,
    cause:
      'the name service of their domain does not pass validation (DNSSEC bogus): the owner of the zone must sign it again',
    cure: 'Tell the owner of the domain; other domains are not affected',
    theirs: true,
  },
  {
    words: /\b530\b|authentication (?:is )?required|must (?:log ?in|authenticate)/i,
    cause: 'that host demands a login before it takes mail for others, and got none',
    cure: 'Set login (user and passwordFile) and tls: required of the group in routing.smartHosts, mostly with port 587, then: ims reload',
  },
  {
    words: /does not relay for us|relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed)|unable to relay/i,
    cause: 'that host does not relay for us: it takes mail for its own domains only',
    cure: 'Let its operator allow this host (its address or its login) to relay, or correct routing.smartHosts; ims kb 3352 says more',
  },
  {
    words: /535|did not accept our login|authentication failed|5\.7\.8/i,
    cause: 'the login at the relay is refused (wrong or expired password)',
    cure: 'Set the password of routing.smartHosts.*.login anew, then: ims reload',
  },
  {
    words: /offers? starttls|tls.*(?:handshake|could not|failed)|does not speak tls/i,
    cause: 'TLS with them fails after they offer STARTTLS: the fault is at their end',
    cure: 'Tell their postmaster; with routing.tls: opportunistic such hosts get the mail without TLS',
    theirs: true,
  },
  {
    words: /certificate|not valid for|unable to (?:get|verify)|self.signed/i,
    cause: 'their certificate cannot be verified, and this route demands it',
    cure: 'ims doctor --only tls shows whether the trust store of this host is whole; else tell their postmaster',
    theirs: true,
  },
  {
    words: LOST,
    cause: 'they end the connection while a message is being handed over: a filter or a limit at their end, or between',
    cure: 'A smaller message tells whether its size or content matters; else tell their postmaster',
    theirs: true,
  },
  {
    words: /according to the protocol before its greeting/i,
    cause: 'what answers there is no mail server',
    cure: 'Correct the host or the port; an MX record that leads there is for the owner of the domain to mend',
    theirs: true,
  },
  {
    words: /no greeting|before its greeting/i,
    cause: 'they accept the connection and send no greeting: they hang',
    cure: 'Restart that host; mail waits meanwhile',
    theirs: true,
  },
];

/** What remote hosts say, and what that means. */
export const destinationsTake = defineCheck({
  id: 'queue.destinations',
  number: 1002,
  title: 'Other hosts take our mail',
  why: 'One host that refuses is its own affair; many that say the same thing speak of this server.',
  needs: ['service', 'clock'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ service, clock }) {
    const found = await seen({ service });
    if (found === undefined || isVerdict(found)) return found ?? unknown(NOT_SEEN);
    const groups = failingBy(found.rows.filter(tellingly));
    const evidence: Evidence[] = groups
      .slice(0, evidenceMax)
      .map(({ example, hops, deliveries }) =>
        row(
          `${deliveries} ${deliveries === 1 ? 'delivery' : 'deliveries'} to ${[...hops].slice(0, 3).join(', ')}${hops.size > 3 ? ` and ${hops.size - 3} more` : ''}`,
          'taken',
          printReply(example).slice(0, 300),
        ),
      );
    if (groups.length === 0) return healthy([row('deliveries tried in vain', 'few', '0')]);
    let theirs: string | undefined;
    for (const group of groups) {
      const said = printReply(group.example);
      const meaning = MEANINGS.find(({ words }) => words.test(said));
      // Mail stores and smart hosts are ours to look after: one is enough.
      const ours = [...group.hops].every((hop) => hop.startsWith('host:') || hop.startsWith('lmtp:'));
      // That there is no connection (RFC 3463 §3.5) is for the checks of ways; nor does a store of ours hang unseen by them.
      const status = group.example.detail ?? '';
      if (status === '4.1' || (ours && status.startsWith('4.') && !LOST.test(said))) continue;
      if (meaning === undefined && group.hops.size < 3 && !ours) continue;
      const who = [...group.hops].slice(0, 3).join(', ');
      const first = found.rows.find((one) => group.hops.has(one.nextHop));
      if (meaning?.theirs === true && group.hops.size < 3 && !ours) {
        theirs ??= `mail to ${who} waits because ${meaning.cause}: '${said.slice(0, 200)}'. ${meaning.cure}`;
        continue;
      }
      return unhealthy(
        `Mail to ${who} waits because ${meaning?.cause ?? (ours ? 'that host refuses it for the time being' : 'many hosts refuse it with the same words')}: '${said.slice(0, 200)}'.`,
        {
          cure:
            meaning?.cure ??
            `The words are theirs: ims kb search '${said.replace(/'/g, '').slice(0, 60)}'; ims queue list shows the mail`,
        },
        [
          ...evidence,
          ...(first === undefined
            ? []
            : [row('the oldest of them', 'gone', `${first.queueId}, for ${ago(clock.wall() - first.arrivedAtMs)}`)]),
        ],
      );
    }
    return theirs === undefined ? healthy(evidence) : unknown(theirs, evidence);
  },
});

/** A queue that fills ends in refusals. */
export const queueRoom = defineCheck({
  id: 'queue.room',
  number: 1003,
  title: 'The queue has room, and nothing in it is set aside',
  why: 'At queue.messagesMax new mail is refused; what was set aside because it is damaged or crashed a worker waits for a person.',
  needs: ['settings', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, service }) {
    const found = await seen({ service });
    if (found === undefined || isVerdict(found)) return found ?? unknown(NOT_SEEN);
    const answer = await service.ask();
    const workers =
      answer.kind === 'running'
        ? Math.max(1, answer.status.processes.filter(({ role }) => role === 'worker').length)
        : 1;
    const most = settings.queue.messagesMax * workers;
    const aside = found.rows.filter(({ quarantined }) => quarantined);
    // A message to many domains is one message, and many deliveries.
    const moved = (await service.request('queue.movement', {})) as { readonly messages?: number } | undefined;
    const held = moved?.messages ?? found.total;
    const evidence = [
      row('messages in the queue', `below ${most} (queue.messagesMax of ${workers} workers)`, String(held)),
      row('deliveries in the queue', 'any number', String(found.total)),
      row('set aside', '0', String(aside.length)),
    ];
    if (held > most * queueShareMax)
      return unhealthy(
        `The queue holds ${held} messages, near its end of ${most}: then new mail is refused with 452.`,
        { cure: 'ims doctor --only queue.destinations says why they wait; or raise queue.messagesMax', event: 3301 },
        evidence,
      );
    const first = aside[0];
    if (first === undefined) return healthy(evidence);
    return unhealthy(
      `${aside.length} deliveries are set aside, ${first.queueId} among them: damaged, or alone in work when a worker crashed, twice.`,
      {
        cure: `ims queue show ${first.queueId}; then ims repair queue.quarantine --preview (tries them again) or ims repair queue.return-quarantined --preview (returns them to their senders)`,
        event: 4300,
      },
      evidence,
    );
  },
});
