import { createHmac } from 'node:crypto';
import { Turnstile } from '../../base/turnstile.ts';
import { domainKey } from '../../mail/mailbox.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Random } from '../../world/ports/random.ts';
import {
  loginLengthMax,
  verificationsMax,
  verificationsWaitingMax,
  verifiedLifetimeMs,
  verifiedMax,
} from './limits.ts';
import { localKey } from './local-table.ts';
import type { LocalTable } from './local-table.ts';

/** Checks a password against its hash; slow on purpose. */
export type PasswordVerifier = (hash: string, password: string) => Promise<boolean>;

/** The answer to a login: an account, or not. */
export type Verdict =
  | { readonly kind: 'accepted'; readonly account: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unavailable'; readonly why: string };

interface Account {
  readonly account: string;
  readonly hash: string;
}

const KEY_OCTETS = 32;

/**
 * Checks logins. An unknown user costs what a wrong password costs. A login that fitted is remembered for a while as a keyed digest,
 * never as its password, and forgotten with this object, which a reload replaces.
 */
export class LoginDesk {
  readonly #accounts = new Map<string, Account>();
  /** Local parts that are unique over all domains; null where they are not. */
  readonly #bare = new Map<string, Account | null>();
  /** A hash of the same cost as the others, for users that do not exist. */
  readonly #decoy: string | undefined;
  readonly #verified = new Map<string, number>();
  readonly #running = new Map<string, Promise<Verdict>>();
  readonly #turnstile = new Turnstile(verificationsMax, verificationsWaitingMax);
  readonly #key: Buffer;
  readonly #verify: PasswordVerifier;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(
    table: LocalTable,
    verify: PasswordVerifier,
    world: { readonly clock: Pick<Clock, 'now'>; readonly random: Pick<Random, 'bytes'> },
  ) {
    this.#verify = verify;
    this.#clock = world.clock;
    this.#key = world.random.bytes(KEY_OCTETS);
    for (const domain of table.values()) {
      for (const [key, entry] of domain.mailboxes) {
        const hash = entry.settings.password;
        if (hash === undefined) continue;
        const account = { account: entry.account, hash };
        this.#accounts.set(entry.account, account);
        this.#bare.set(key, this.#bare.has(key) ? null : account);
        this.#decoy ??= hash;
      }
    }
  }

  /** Checks a login; equal ones at the same time are checked once. */
  check(user: string, password: string): Promise<Verdict> {
    if (user.length + password.length > loginLengthMax) return Promise.resolve({ kind: 'refused' });
    const account = this.#find(user);
    const hash = account?.hash ?? this.#decoy;
    if (hash === undefined) return Promise.resolve({ kind: 'refused' });
    const digest = createHmac('sha256', this.#key)
      .update(`${account?.account ?? user}\0${hash}\0${password}`)
      .digest('base64');
    const until = this.#verified.get(digest);
    if (until !== undefined && account !== undefined) {
      if (until > this.#clock.now()) return Promise.resolve({ kind: 'accepted', account: account.account });
      this.#verified.delete(digest);
    }
    const running = this.#running.get(digest);
    if (running !== undefined) return running;
    const checking = this.#slowly(digest, hash, password, account).finally(() => this.#running.delete(digest));
    this.#running.set(digest, checking);
    return checking;
  }

  #find(user: string): Account | undefined {
    const at = user.lastIndexOf('@');
    if (at === -1) return this.#bare.get(localKey(user)) ?? undefined;
    return this.#accounts.get(`${localKey(user.slice(0, at))}@${domainKey(user.slice(at + 1).toLowerCase())}`);
  }

  async #slowly(digest: string, hash: string, password: string, account: Account | undefined): Promise<Verdict> {
    if (!(await this.#turnstile.enter()))
      return { kind: 'unavailable', why: `over ${verificationsWaitingMax} logins are waiting` };
    let fits: boolean;
    try {
      fits = await this.#verify(hash, password);
    } catch (error) {
      return {
        kind: 'unavailable',
        why: `the password could not be checked: ${error instanceof Error ? error.message : String(error)}`,
      };
    } finally {
      this.#turnstile.leave();
    }
    if (!fits || account === undefined) return { kind: 'refused' };
    this.#verified.set(digest, this.#clock.now() + verifiedLifetimeMs);
    if (this.#verified.size > verifiedMax) this.#forgetOldest();
    return { kind: 'accepted', account: account.account };
  }

  #forgetOldest(): void {
    for (const digest of this.#verified.keys()) {
      this.#verified.delete(digest);
      return;
    }
  }
}
