import { assert } from '../../base/assert.ts';
import { parseIp } from '../../base/ip.ts';
import { writeAddress } from './header-writer.ts';
import { QUOTE_BYTES_MAX, SOCKS_FIELD_BYTES_MAX } from './limits.ts';
import {
  plainLine,
  type TunnelFailure,
  type TunnelMachine,
  type TunnelPhase,
  type TunnelStep,
  type TunnelTarget,
  whoAnswers,
} from './tunnel.ts';

const VERSION = 5;
const LOGIN_VERSION = 1;
const WITHOUT_LOGIN = 0x00;
const USER_PASSWORD = 0x02;
const NONE_ACCEPTABLE = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;
const NOTHING = Buffer.alloc(0);

/** The replies of RFC 1928 §6, in words; with an errno where they speak of the target. */
const REPLIES: ReadonlyArray<readonly [words: string, errno?: string]> = [
  ['succeeded'],
  ['general SOCKS server failure'],
  ['connection not allowed by ruleset'],
  ['network unreachable', 'ENETUNREACH'],
  ['host unreachable', 'EHOSTUNREACH'],
  ['connection refused', 'ECONNREFUSED'],
  ['TTL expired', 'ETIMEDOUT'],
  ['command not supported'],
  ['address type not supported'],
];

/** Asks a SOCKS version 5 proxy for a connection (RFC 1928), with a user and password where the proxy wants them (RFC 1929). */
export class Socks5Client implements TunnelMachine {
  readonly #target: TunnelTarget;
  readonly #login: { readonly user: string; readonly password: string } | undefined;
  #phase: TunnelPhase = 'greeting';
  #held: Buffer = NOTHING;

  constructor(target: TunnelTarget, login?: { readonly user: string; readonly password: string }) {
    this.#target = target;
    this.#login = login;
  }

  get phase(): TunnelPhase {
    return this.#phase;
  }

  open(): Buffer {
    const methods = this.#login === undefined ? [WITHOUT_LOGIN] : [WITHOUT_LOGIN, USER_PASSWORD];
    return Buffer.from([VERSION, methods.length, ...methods]);
  }

  receive(chunk: Buffer): TunnelStep {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    switch (this.#phase) {
      case 'greeting':
        return this.#readMethod();
      case 'login':
        return this.#readLogin();
      default:
        return this.#readReply();
    }
  }

  finish(): TunnelFailure | undefined {
    return undefined;
  }

  #readMethod(): TunnelStep {
    const [version, method] = this.#held;
    if (version === undefined) return { kind: 'more' };
    if (version !== VERSION) return this.#notSocks();
    if (method === undefined) return { kind: 'more' };
    if (method === NONE_ACCEPTABLE) {
      const words =
        this.#login === undefined
          ? 'it asks for a login, and none is configured'
          : 'it accepts neither our kind of login (user and password) nor none';
      return failed({ kind: 'login-refused', words });
    }
    // Octets before our next request would be answers to what was never asked.
    if (this.#held.length > 2) return this.#notSocks();
    this.#held = NOTHING;
    if (method === WITHOUT_LOGIN) return this.#connect();
    if (method !== USER_PASSWORD || this.#login === undefined) {
      return failed({ kind: 'wrong-protocol', words: `it chose the login method ${method}, which was not offered` });
    }
    this.#phase = 'login';
    const { user, password } = this.#login;
    return { kind: 'more', send: Buffer.concat([Buffer.from([LOGIN_VERSION]), field(user), field(password)]) };
  }

  #readLogin(): TunnelStep {
    const [version, status] = this.#held;
    if (version === undefined) return { kind: 'more' };
    // Some proxies answer with the version of SOCKS instead of that of the login.
    if (version !== LOGIN_VERSION && version !== VERSION) return this.#notSocks();
    if (status === undefined) return { kind: 'more' };
    if (status !== 0)
      return failed({ kind: 'login-refused', words: `it refused user and password (status ${status})` });
    if (this.#held.length > 2) return this.#notSocks();
    this.#held = NOTHING;
    return this.#connect();
  }

  #connect(): TunnelStep {
    this.#phase = 'connect';
    const { host, port } = this.#target;
    const ip = parseIp(host);
    const address =
      ip === undefined
        ? Buffer.concat([Buffer.from([NAME]), field(host)])
        : Buffer.concat([
            Buffer.from([ip.family === 4 ? IPV4 : IPV6]),
            writeAddress(host, ip.family === 4 ? '4' : '6'),
          ]);
    return {
      kind: 'more',
      send: Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), address, Buffer.from([port >>> 8, port & 255])]),
    };
  }

  #readReply(): TunnelStep {
    const held = this.#held;
    const [version, reply, reserved, type, nameLength] = held;
    if (version === undefined) return { kind: 'more' };
    if (version !== VERSION) return this.#notSocks();
    if (reply === undefined) return { kind: 'more' };
    // A refusal is complete with its code: some proxies hang up without the rest.
    if (reply !== 0) return failed(refusal(reply));
    if (reserved !== undefined && reserved !== 0) return this.#notSocks();
    if (type === undefined) return { kind: 'more' };
    if (type !== IPV4 && type !== NAME && type !== IPV6) return this.#notSocks();
    if (type === NAME && nameLength === undefined) return { kind: 'more' };
    const length = 6 + (type === IPV4 ? 4 : type === IPV6 ? 16 : 1 + (nameLength ?? 0));
    if (held.length < length) return { kind: 'more' };
    return { kind: 'open', rest: held.subarray(length) };
  }

  #notSocks(): TunnelStep {
    const words = `what it answered is not SOCKS 5: '${plainLine(this.#held, QUOTE_BYTES_MAX)}'${whoAnswers(this.#held)}`;
    return failed({ kind: 'wrong-protocol', words });
  }
}

function refusal(reply: number): TunnelFailure {
  const [words, errno] = REPLIES[reply] ?? [`reply ${reply}, which has no meaning in the standard`];
  return errno === undefined ? { kind: 'refused', words } : { kind: 'target-unreachable', errno, words };
}

function failed(failure: TunnelFailure): TunnelStep {
  return { kind: 'failed', failure };
}

function field(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  assert(octets.length > 0 && octets.length <= SOCKS_FIELD_BYTES_MAX, 'a SOCKS field has 1 to 255 octets');
  return Buffer.concat([Buffer.from([octets.length]), octets]);
}
