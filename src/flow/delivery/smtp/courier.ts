import type { Journal } from '../../../events/journal.ts';
import type { DeliverySettings } from '../../../settings/delivery.ts';
import { TRANSACTION_RECIPIENTS_MAX } from '../../../protocol/smtp/client/limits.ts';
import type { ClientOptions, RecipientVerdict } from '../../../protocol/smtp/client/port.ts';
import type { Dialer } from '../../../transport/port.ts';
import type { World } from '../../../world/world.ts';
import type { Claim } from '../../queue/port.ts';
import type { RelayTerms, Route } from '../../routing/port.ts';
import { Conditions } from '../conditions.ts';
import { ADDRESSES_PER_ATTEMPT_MAX, CONNECTIONS_PER_ADDRESS_MAX } from '../limits.ts';
import type { AttemptResult } from '../port.ts';
import { RelayAttempt } from './attempt.ts';
import { firstBatch } from './batch.ts';
import { type HostFailure, openConnection, RelayConnection, type Target } from './connection.ts';
import { ConnectionPool } from './pool.ts';
import { OldHosts } from './old-hosts.ts';
import { hostOutcome, waysInWords } from './words.ts';

/** What the relay courier works with. */
export interface RelayCourierRooms {
  readonly world: Pick<World, 'clock'>;
  readonly dialer: Dialer;
  readonly settings: DeliverySettings;
  readonly journal: Journal;
  readonly encrypted?: (done: boolean) => void;
}

type RelayRoute = Extract<Route, { kind: 'relay' }>;

/** Delivers to other hosts by SMTP or LMTP over pooled connections. */
export class RelayCourier {
  readonly #rooms: RelayCourierRooms;
  readonly #pool = new ConnectionPool();
  readonly #gone = (connection: RelayConnection): void => this.#pool.forget(connection);
  readonly #conditions = new Conditions();
  readonly #oldHosts: OldHosts;

  constructor(rooms: RelayCourierRooms) {
    this.#rooms = rooms;
    this.#oldHosts = new OldHosts(rooms.world.clock);
  }

  /** Tries the hosts in order until each recipient has an outcome. */
  async attempt(claim: Claim, route: RelayRoute): Promise<AttemptResult> {
    const { clock } = this.#rooms.world;
    const startedAt = clock.now();
    const attempt = new RelayAttempt(claim);
    const by = waysInWords(route.terms.proxies);
    let addresses = 0;
    for (const host of route.hosts) {
      for (const address of host.addresses) {
        if (attempt.pending.length === 0 || addresses >= ADDRESSES_PER_ATTEMPT_MAX) break;
        addresses += 1;
        await this.#tryAddress(attempt, { name: host.name, address, port: host.port, by }, route.terms);
        // Without a proxy no other host is reached either.
        if (attempt.proxiesFail) return attempt.result(clock.now() - startedAt);
      }
    }
    return attempt.result(clock.now() - startedAt);
  }

  /** Ends idle connections. */
  close(): void {
    this.#pool.close();
  }

  async #tryAddress(attempt: RelayAttempt, target: Target, terms: RelayTerms): Promise<void> {
    const key = poolKey(attempt.claim.nextHop, target, terms);
    for (let used = 0; used < CONNECTIONS_PER_ADDRESS_MAX && attempt.pending.length > 0; used++) {
      const connection = this.#pool.take(key) ?? (await this.#openInstead(key, target, terms));
      if (!(connection instanceof RelayConnection)) {
        attempt.noteFailure(connection, target);
        return;
      }
      const how = await this.#sendPending(attempt, connection, target, terms);
      this.#pool.give(key, connection, terms.messagesPerConnectionMax);
      if (how === 'over') return;
    }
  }

  /** Opens a session; it takes the place of an idle one of the same next hop, so that both together keep its bound. */
  #openInstead(key: string, target: Target, terms: RelayTerms): Promise<RelayConnection | HostFailure> {
    this.#pool.makeRoom(key);
    return this.#open(target, terms);
  }

  /** Sends to the pending recipients; 'more' asks for another connection to the same address. */
  async #sendPending(
    attempt: RelayAttempt,
    connection: RelayConnection,
    target: Target,
    terms: RelayTerms,
  ): Promise<'over' | 'more'> {
    const { claim } = attempt;
    const { content } = claim;
    const { peer } = connection;
    const most = Math.min(
      terms.recipientsPerTransactionMax,
      peer.recipientsMax ?? TRANSACTION_RECIPIENTS_MAX,
      TRANSACTION_RECIPIENTS_MAX,
    );
    const messagesMax = Math.min(terms.messagesPerConnectionMax, peer.messagesMax ?? terms.messagesPerConnectionMax);
    while (attempt.pending.length > 0) {
      if (connection.transactions > 0 && connection.transactions >= messagesMax) return 'more';
      const recipients = firstBatch(attempt.pending, { recipientsMax: most, domainsMax: peer.recipientDomainsMax });
      const end = await connection.transact(
        {
          envelope: claim.envelope,
          recipients,
          sizeBytes: content.sizeBytes,
          eightBit: content.eightBit,
          whole: content.whole,
        },
        content,
      );
      const stale =
        !end.usable && !end.answered && connection.transactions > 1 && connection.contentError === undefined;
      if (
        stale &&
        end.verdicts.every((verdict) => verdict.kind === 'unanswered' && verdict.failure.kind !== 'timed-out')
      ) {
        return 'more'; // the peer had given the idle connection up: it has not seen this transaction
      }
      if (connection.transactions > 1 && end.verdicts.every(outOfSequence)) {
        connection.quit();
        return 'more'; // the peer believes the transaction before this one still open: that says nothing about this one
      }
      if (connection.contentError !== undefined) this.#reportUnreadable(claim, connection.contentError);
      attempt.conclude(recipients, end, {
        target,
        sizeBytes: content.sizeBytes,
        sizeMax: peer.sizeMax,
        dsnOffered: peer.dsn,
        protocol: terms.protocol,
      });
      if (!end.usable) return target.by !== '' && attempt.maySpeakAgain(end) ? 'more' : 'over';
    }
    return 'over';
  }

  /** Opens a session, stepping down where RFC 5321 §3.2 or opportunistic TLS (RFC 7435) allow it. */
  async #open(target: Target, terms: RelayTerms): Promise<RelayConnection | HostFailure> {
    let tls = TLS_PLANS[terms.tls];
    const key = conditionKey(target, terms);
    let helo = (tls === 'offered' || tls === 'never') && this.#oldHosts.has(key);
    let hungUp = false;
    for (;;) {
      const result = await this.#openOnce(target, terms, tls, helo);
      if (result instanceof RelayConnection) {
        this.#conditions.ends(key);
        if (tls === 'offered') this.#conditions.ends(`broken ${key}`);
        if (hungUp) this.#oldHosts.add(key);
        return result;
      }
      if (tls === 'offered' && tlsBroke(result)) {
        tls = 'never';
        this.#reportBroken(result, target, key);
      } else if (
        terms.protocol === 'smtp' &&
        !helo &&
        (tls === 'offered' || tls === 'never') &&
        hungUpOnHello(result)
      ) {
        helo = true;
        hungUp = true;
      } else {
        this.#report(result, target, terms);
        return result;
      }
    }
  }

  #openOnce(
    target: Target,
    terms: RelayTerms,
    tls: ClientOptions['tls'],
    helo: boolean,
  ): Promise<RelayConnection | HostFailure> {
    const client: ClientOptions = {
      protocol: terms.protocol,
      greetingName: terms.greetingName,
      tls,
      helo,
      clearLogin: terms.tls === 'none',
      ...(terms.login === undefined ? {} : { login: terms.login }),
    };
    return openConnection({
      world: this.#rooms.world,
      dialer: this.#rooms.dialer,
      timeouts: this.#rooms.settings.timeouts,
      target,
      client,
      way: {
        ways: terms.proxies ?? [],
        source4: terms.source4,
        source6: terms.source6,
        proxyHeader: terms.proxyHeader,
      },
      verify: terms.tls === 'verified' || terms.tls === 'implicit',
      gone: this.#gone,
      encrypted: this.#rooms.encrypted,
    });
  }

  /** Emits an event where an operator has to act, once until the host works again. */
  #report(failure: HostFailure, target: Target, terms: RelayTerms): void {
    const { journal } = this.#rooms;
    const outcome = hostOutcome(failure, target);
    const reply = outcome.reply ?? { code: 451, text: [] };
    const login = (failure.kind === 'refused' && failure.command === 'AUTH') || failure.kind === 'auth-missing';
    const tls =
      terms.tls !== 'opportunistic' && (failure.kind.startsWith('starttls-') || failure.kind.startsWith('tls-'));
    if (!(login || tls) || !this.#conditions.begins(conditionKey(target, terms))) return;
    if (login) journal.emit('delivery.login-refused', { host: target.name, account: terms.login?.user ?? '', reply });
    else journal.emit('delivery.tls-demanded-in-vain', { host: target.name, reply });
  }

  /** Emits an event that TLS was given up, once until it works. */
  #reportBroken(failure: HostFailure, target: Target, key: string): void {
    if (!this.#conditions.begins(`broken ${key}`)) return;
    const why = hostOutcome(failure, target).reply?.text.join(' ') ?? failure.kind;
    this.#rooms.journal.emit('delivery.tls-broken', { host: target.name, address: target.address, why });
  }

  #reportUnreadable(claim: Claim, error: unknown): void {
    if (!this.#conditions.begins(`content ${claim.queueId}`)) return;
    this.#rooms.journal.emit('delivery.content-unreadable', {
      queueId: claim.queueId,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

const TLS_PLANS: Readonly<Record<RelayTerms['tls'], ClientOptions['tls']>> = {
  none: 'never',
  opportunistic: 'offered',
  required: 'needed',
  verified: 'needed',
  implicit: 'established',
};

function outOfSequence(verdict: RecipientVerdict): boolean {
  return verdict.kind === 'refused' && verdict.command === 'MAIL' && verdict.reply.code === 503;
}

function tlsBroke(failure: HostFailure): boolean {
  if (failure.kind === 'starttls-refused' || failure.kind === 'tls-failed') return true;
  return (
    (failure.kind === 'closed' || failure.kind === 'timed-out' || failure.kind === 'invalid') &&
    failure.phase === 'starttls'
  );
}

function hungUpOnHello(failure: HostFailure): boolean {
  // There are filters that swallow EHLO and say nothing at all.
  return (failure.kind === 'closed' || failure.kind === 'timed-out') && failure.phase === 'hello';
}

function conditionKey(target: Target, terms: RelayTerms): string {
  return `${target.name} ${target.address} ${target.port} ${terms.login?.user ?? ''} ${terms.tls}`;
}

/** A session may only be used again for the same next hop on the same terms. */
function poolKey(nextHop: string, target: Target, terms: RelayTerms): string {
  const login = terms.login === undefined ? '' : `${terms.login.user}\0${terms.login.password}`;
  const source = target.address.includes(':') ? terms.source6 : terms.source4;
  const ways = (terms.proxies ?? []).map((way) => (way === 'direct' ? way : way.name)).join(' ');
  return [
    nextHop,
    target.name,
    target.address,
    target.port,
    terms.protocol,
    terms.tls,
    source ?? '',
    terms.greetingName,
    login,
    ways,
    terms.proxyHeader ?? '',
  ].join('\0');
}
