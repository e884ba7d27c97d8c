/** What a worker counts for the metrics: by looking at what rooms say and answer anyway, at the cost of an addition. */
import type { EventName } from '../../events/journal.ts';
import { rowOf } from '../../events/render.ts';
import type { Courier } from '../../flow/delivery/port.ts';
import type { Timeline } from '../../mail/timeline.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import type { Reply } from '../../mail/reply.ts';
import { type Counter, Counts } from '../../operate/metrics/counts.ts';
import type { Way } from '../../transport/port.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { TransportMemory } from './transports.ts';

/** Commands that metrics tell apart; clients may send anything. */
const VERBS = new Set([
  'HELO',
  'EHLO',
  'LHLO',
  'STARTTLS',
  'AUTH',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'ETRN',
  'XCLIENT',
  'XFORWARD',
]);

/** Subjects of enhanced status codes (RFC 3463 §3). */
const CLASSES = ['other', 'address', 'mailbox', 'system', 'network', 'protocol', 'content', 'policy'] as const;

/** The counters of a worker, and what it remembers of its ways out. */
export class Tally {
  readonly counts = new Counts();
  readonly ways: TransportMemory;
  /** Sessions that are open, by listener. */
  readonly open = new Map<string, number>();
  /** How late the event loop was last. */
  lateMs = 0;
  readonly #events = new Map<EventName, Counter>();
  readonly #received = new Map<string, Counter>();
  readonly #octets = this.counts.of('ims_message_received_bytes_total', {});

  constructor(clock: Pick<Clock, 'now' | 'wall'>) {
    this.ways = new TransportMemory(clock);
  }

  /** An event was told. */
  readonly heard = (name: EventName, data: Readonly<Record<string, unknown>>): void => {
    kept(this.#events, name, () => this.#eventCounter(name)).value += 1;
    switch (name) {
      case 'reception.command-refused':
        this.#refused(String(data['line']), data['reply'] as Reply);
        return;
      case 'reception.tls-failed':
        this.#handshake('in', false);
        return;
      case 'reception.session-ended':
        this.#change(String(data['listener']), -1);
        return;
      case 'policy.login-refused':
        this.counts.of('ims_logins_refused_total', { why: 'wrong' }).value += 1;
        return;
      case 'policy.login-put-off':
        this.counts.of('ims_logins_refused_total', { why: 'unavailable' }).value += 1;
        return;
      default:
    }
  };

  /** A timeline that counts what it is told. */
  timeline(inner: Timeline): Timeline {
    return {
      add: (entry) => {
        if (entry.what === 'received') {
          kept(this.#received, entry.protocol, () =>
            this.counts.of('ims_messages_received_total', { protocol: entry.protocol }),
          ).value += 1;
          this.#octets.value += entry.sizeBytes;
        } else if (entry.what === 'report') {
          this.counts.of('ims_reports_total', { kind: entry.kind }).value += 1;
        }
        inner.add(entry);
      },
    };
  }

  /** A courier whose attempts are counted. */
  courier(inner: Courier): Courier {
    return {
      attempt: async (claim, route) => {
        const result = await inner.attempt(claim, route);
        const by = routeOf(claim.nextHop);
        this.counts.of('ims_attempts_total', by).value += 1;
        let delivered = false;
        for (const { outcome } of result.outcomes) {
          delivered ||= outcome.kind === 'delivered';
          this.counts.of('ims_deliveries_total', { ...by, outcome: outcome.kind }).value += 1;
        }
        if (delivered) this.counts.of('ims_message_sent_bytes_total', by).value += claim.content.sizeBytes;
        if (by.route === 'smart-host') this.ways.smartHost(claim.nextHop, result);
        return result;
      },
      close: () => inner.close(),
    };
  }

  /** A resolver whose look-ups are counted. */
  resolver(inner: Resolver): Resolver {
    const outcomes = {
      records: this.counts.of('ims_dns_lookups_total', { outcome: 'records' }),
      none: this.counts.of('ims_dns_lookups_total', { outcome: 'none' }),
      failure: this.counts.of('ims_dns_lookups_total', { outcome: 'failure' }),
    };
    return {
      query: async (name, type) => {
        const answer = await inner.query(name, type);
        const { kind } = answer;
        outcomes[kind === 'records' || kind === 'failure' ? kind : 'none'].value += 1;
        return answer;
      },
    };
  }

  /** A name server was asked. */
  readonly asked = (server: string, failed: boolean): void => {
    this.counts.of('ims_dns_queries_total', { server }).value += 1;
    if (failed) this.counts.of('ims_dns_failures_total', { server }).value += 1;
  };

  /** A client's connection became a session, was turned away, or came under TLS. */
  readonly connection = (what: 'accepted' | 'refused' | 'encrypted', listener: string): void => {
    if (what === 'encrypted') return this.#handshake('in', true);
    if (what === 'accepted') this.#change(listener, 1);
    if (what === 'accepted') this.counts.of('ims_connections_accepted_total', { listener }).value += 1;
    else this.counts.of('ims_connections_refused_total', { listener }).value += 1;
  };

  /** A TLS handshake with another host ended. */
  readonly encrypted = (done: boolean): void => this.#handshake('out', done);

  #handshake(side: 'in' | 'out', done: boolean): void {
    this.counts.of('ims_tls_handshakes_total', { side, outcome: done ? 'done' : 'failed' }).value += 1;
  }

  #change(listener: string, by: number): void {
    this.open.set(listener, (this.open.get(listener) ?? 0) + by);
  }

  /** A connection to a host was asked of a way. */
  readonly dialled = (way: Way, outcome: 'open' | 'unreachable' | 'failed', host: string, why?: string): void => {
    const kind = way === 'direct' ? way : way.kind === 'ssh-gateway' ? 'gateway' : 'proxy';
    const name = way === 'direct' ? '' : way.name;
    this.counts.of('ims_transport_dials_total', { kind, name, outcome }).value += 1;
    if (way === 'direct') this.ways.direct(host, why);
    else if (outcome === 'failed' && why !== undefined)
      this.ways.failed(kind === 'gateway' ? kind : 'proxy', name, why);
  };

  #eventCounter(name: EventName): Counter {
    const { number, row } = rowOf(name);
    return this.counts.of('ims_events_total', { number: String(number), severity: row.severity });
  }

  #refused(line: string, { code, detail }: Reply): void {
    const verb = /^[A-Za-z]{1,10}/.exec(line)?.[0].toUpperCase() ?? '';
    const subject = Number(detail?.split('.')[0] ?? 0);
    this.counts.of('ims_commands_refused_total', {
      command: VERBS.has(verb) ? verb : 'other',
      for: code < 500 ? 'now' : 'good',
      class: CLASSES[subject] ?? 'other',
    }).value += 1;
  }
}

function kept<K>(map: Map<K, Counter>, key: K, make: () => Counter): Counter {
  let counter = map.get(key);
  if (counter === undefined) {
    counter = make();
    map.set(key, counter);
  }
  return counter;
}

/** The route that a next hop belongs to; the domains of MX hosts are without number. */
function routeOf(nextHop: NextHop): { readonly route: string; readonly name: string } {
  const group = /^(?:host|lmtp):(.*)$/s.exec(nextHop)?.[1];
  if (group !== undefined) return { route: 'smart-host', name: group };
  return { route: nextHop.startsWith('mx:') ? 'mx' : 'local', name: '' };
}
