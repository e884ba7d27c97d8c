import { assert } from '../../base/assert.ts';
import { parseIp } from '../../base/ip.ts';
import { HTTP_EVIDENCE_BYTES_MAX, HTTP_HEADER_BYTES_MAX, HTTP_INTERIM_MAX, QUOTE_BYTES_MAX } from './limits.ts';
import {
  plainLine,
  type TunnelFailure,
  type TunnelMachine,
  type TunnelPhase,
  type TunnelStep,
  type TunnelTarget,
  whoAnswers,
} from './tunnel.ts';

/** How to log in at an HTTP proxy: Basic (RFC 7617) or Bearer (RFC 6750 §2.1). */
export type HttpLogin = { readonly user: string; readonly password: string } | { readonly token: string };

const NOTHING = Buffer.alloc(0);
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;
const TOKEN68 = /^[A-Za-z0-9._~+/-]+=*$/;
const HOST = /^[A-Za-z0-9._-]+$/;
const CR = 13;
const LF = 10;

interface Head {
  readonly status: number;
  readonly reason: string;
  readonly length: number | undefined;
  readonly challenge: string;
  readonly location: string;
}

/** Asks an HTTP proxy for a connection with CONNECT (RFC 9110 §9.3.6). */
export class HttpConnectClient implements TunnelMachine {
  readonly #target: TunnelTarget;
  readonly #login: HttpLogin | undefined;
  /** Lines of the present header, then the text of a refusal. */
  #held: Buffer = NOTHING;
  #lines: string[] = [];
  #headerBytes = 0;
  #interim = 0;
  #refusal: Head | undefined;

  constructor(target: TunnelTarget, login?: HttpLogin) {
    this.#target = target;
    this.#login = login;
  }

  get phase(): TunnelPhase {
    return this.#refusal === undefined ? 'greeting' : 'evidence';
  }

  open(): Buffer {
    const { host, port } = this.#target;
    const ip = parseIp(host);
    assert(ip !== undefined || HOST.test(host), 'a host name that cannot end a line');
    const authority = `${ip?.family === 6 ? `[${host}]` : host}:${port}`;
    return Buffer.from(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization(this.#login)}\r\n`,
      'latin1',
    );
  }

  receive(chunk: Buffer): TunnelStep {
    if (this.#refusal !== undefined) return this.#readEvidence(chunk);
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      const end = this.#held.indexOf(LF);
      const length = end === -1 ? this.#held.length : end + 1;
      if (this.#headerBytes + length > HTTP_HEADER_BYTES_MAX)
        return this.#notHttp(`its header is longer than ${HTTP_HEADER_BYTES_MAX} octets`);
      if (end === -1) return this.#lines.length === 0 && !couldBeHttp(this.#held) ? this.#notHttp() : { kind: 'more' };
      if (this.#held[end - 1] !== CR) return this.#notHttp();
      const line = this.#held.toString('latin1', 0, end - 1);
      this.#headerBytes += length;
      if (line !== '') {
        if (!(this.#lines.length === 0 ? STATUS_LINE : FIELD).test(line)) return this.#notHttp();
        this.#lines.push(line);
        this.#held = this.#held.subarray(length);
        continue;
      }
      if (this.#lines.length === 0) return this.#notHttp();
      const rest = this.#held.subarray(length);
      const step = this.#headEnded(headOf(this.#lines), rest);
      if (step !== undefined) return step;
    }
  }

  /** A header is whole: an interim one is passed over (RFC 9110 §15.2). */
  #headEnded(head: Head, rest: Buffer): TunnelStep | undefined {
    this.#lines = [];
    this.#held = rest;
    if (head.status < 200) {
      this.#interim += 1;
      if (head.status === 101 || head.status < 100 || this.#interim > HTTP_INTERIM_MAX) return this.#notHttp();
      return undefined;
    }
    // A length or coding in a success is to be ignored: everything behind the header is the tunnel (RFC 9110 §9.3.6).
    if (head.status < 300) return isPage(rest) ? this.#page(rest) : { kind: 'open', rest };
    this.#refusal = head;
    this.#held = NOTHING;
    return this.#readEvidence(rest);
  }

  /** A web server that takes CONNECT for any request, or one in between that wants a login. */
  #page(rest: Buffer): TunnelStep {
    const words = plainLine(Buffer.from(withoutTags(rest.subarray(0, HTTP_EVIDENCE_BYTES_MAX))), QUOTE_BYTES_MAX);
    const failure = {
      kind: 'wrong-protocol',
      words: `it answers with a page instead of a connection: '${words}'`,
    } as const;
    return { kind: 'failed', failure };
  }

  finish(): TunnelFailure | undefined {
    return this.#refusal === undefined ? undefined : failureOf(this.#refusal, this.#held);
  }

  #readEvidence(chunk: Buffer): TunnelStep {
    const refusal = this.#refusal;
    assert(refusal !== undefined, 'a refusal was read');
    this.#held = Buffer.concat([this.#held, chunk.subarray(0, HTTP_EVIDENCE_BYTES_MAX - this.#held.length)]);
    const wanted = Math.min(refusal.length ?? HTTP_EVIDENCE_BYTES_MAX, HTTP_EVIDENCE_BYTES_MAX);
    if (this.#held.length < wanted) return { kind: 'more' };
    return { kind: 'failed', failure: failureOf(refusal, this.#held) };
  }

  #notHttp(why?: string): TunnelStep {
    const [first = ''] = this.#lines;
    const end = this.#held.indexOf(LF);
    const octets = end === -1 ? this.#held : this.#held.subarray(0, end);
    const quote = first || plainLine(octets, QUOTE_BYTES_MAX);
    const who = first === '' ? whoAnswers(octets) : '';
    return {
      kind: 'failed',
      failure: {
        kind: 'wrong-protocol',
        words: why ?? `what it answered is not HTTP: '${quote.slice(0, QUOTE_BYTES_MAX)}'${who}`,
      },
    };
  }
}

function authorization(login: HttpLogin | undefined): string {
  if (login === undefined) return '';
  if ('token' in login) {
    assert(TOKEN68.test(login.token), 'a bearer token has the characters of RFC 6750 §2.1');
    return `Proxy-Authorization: Bearer ${login.token}\r\n`;
  }
  return `Proxy-Authorization: Basic ${Buffer.from(`${login.user}:${login.password}`, 'utf8').toString('base64')}\r\n`;
}

/** Whether a line that has not ended can still be a status line: a server of another protocol is noticed at its first octets. */
function couldBeHttp(octets: Buffer): boolean {
  const beginning = 'HTTP/1.';
  return octets.toString('latin1', 0, beginning.length) === beginning.slice(0, octets.length);
}

function headOf(lines: readonly string[]): Head {
  const [, status = '0', reason = ''] = STATUS_LINE.exec(lines[0] ?? '') ?? [];
  let length: number | undefined;
  const challenges: string[] = [];
  let location = '';
  for (const line of lines.slice(1)) {
    const [, name = '', value = ''] = FIELD.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === 'content-length' && /^\d{1,15}$/.test(value.trim())) length = Number(value);
    else if (key === 'proxy-authenticate') challenges.push(value.trim());
    else if (key === 'location') location = value.trim();
  }
  return { status: Number(status), reason: reason.trim(), length, challenge: challenges.join(', '), location };
}

/** What 502 to 504 and the 500 of some proxies say about the target. */
const TARGET: Readonly<Record<number, string>> = {
  500: 'EHOSTUNREACH',
  502: 'EHOSTUNREACH',
  503: 'EHOSTUNREACH',
  504: 'ETIMEDOUT',
};

function failureOf(head: Head, text: Buffer): TunnelFailure {
  const evidence = plainLine(Buffer.from(withoutTags(text)), HTTP_EVIDENCE_BYTES_MAX);
  const words = [
    `${head.status} ${head.reason}`.trim(),
    head.challenge === '' ? '' : `it asks for ${head.challenge}`,
    head.location === '' ? '' : `it sends us to ${head.location}`,
    evidence,
  ]
    .filter((part) => part !== '')
    .join('; ');
  if (head.status === 407 || head.status === 401) return { kind: 'login-refused', words };
  const errno = TARGET[head.status];
  return errno === undefined ? { kind: 'refused', words } : { kind: 'target-unreachable', errno, words };
}

/** What no mail host begins with. */
const isPage = (octets: Buffer): boolean =>
  /^\s*<(?:!doctype|html|head|\?xml)/i.test(octets.toString('latin1', 0, 100));

/** The words of a page: most proxies refuse in HTML. The last tag may have been cut. */
function withoutTags(text: Buffer): string {
  const page = text.toString('utf8');
  return page.includes('<') ? page.replace(/<[^<>]*(?:>|$)/g, ' ').replace(/\s+/g, ' ') : page;
}
