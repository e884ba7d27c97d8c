import type { ByteStream } from '../../src/world/ports/network.ts';
import type { SimInternet } from '../../src/world/sim/network.ts';
import type { SeededRandom } from '../../src/world/sim/random.ts';
import { SimStream } from '../../src/world/sim/stream.ts';
import type { SimTime } from '../../src/world/sim/time.ts';
import type { Acceptance, Ledger } from './ledger.ts';
import { Lines } from './lines.ts';

/** How a remote host behaves; probabilities are per reply. */
export interface Habits {
  /** The domain it is a host of, for limits. */
  readonly domain: string;
  readonly replyMs: readonly [number, number];
  /** Refusals with 451 of each recipient until it is taken. */
  readonly greylists: number;
  readonly hangsUp: number;
  readonly busy: number;
  /** That the content is answered with 451. */
  readonly defersContent: number;
  readonly extensions: readonly string[];
}

/** What all hosts of a simulation work with. */
export interface HostParts {
  readonly time: SimTime;
  readonly internet: SimInternet;
  readonly random: SeededRandom;
  readonly ledger: Ledger;
  /** Connections at once to one domain that the service was allowed. */
  readonly connectionsMax: number;
  /** Whether a host may behave badly now. */
  readonly mayMisbehave: () => boolean;
  /** Transactions of all hosts by recipient. */
  readonly active: Map<string, RemoteSession>;
  readonly sessions: Set<RemoteSession>;
  readonly greylisted: Map<string, number>;
}

/** Begins to take mail at an address. */
export function startRemoteHost(parts: HostParts, address: string, habits: Habits): void {
  const { internet } = parts;
  internet.addHost(address);
  void internet.networkOf(address, undefined).listen({ address, port: 25 }, (stream) => {
    new RemoteSession(parts, habits, stream).begin();
  });
}

/** One session of a remote host, as a server of the world outside. */
export class RemoteSession {
  readonly habits: Habits;
  readonly #parts: HostParts;
  readonly #stream: ByteStream;
  readonly #lines: Lines;
  #sender: string | undefined;
  #recipients: string[] = [];
  #content: Buffer[] = [];
  #inContent = false;
  #beganMs = 0;
  #lastReplyAt = 0;
  #last: Acceptance[] = [];
  #quitting = false;
  /** Replies that are on their way out. */
  #owed = 0;
  #gone = false;

  constructor(parts: HostParts, habits: Habits, stream: ByteStream) {
    this.#parts = parts;
    this.habits = habits;
    this.#stream = stream;
    this.#lines = new Lines((line) => this.#line(line));
  }

  /** Whether its client holds the connection and means to go on. */
  get inUse(): boolean {
    const far = this.#stream instanceof SimStream ? this.#stream.far : undefined;
    return !this.#gone && !this.#quitting && far?.open === true && far.process?.alive !== false;
  }

  /** Its client certainly waits for a reply or sends content: what it only keeps open for the next message does not count. */
  get busy(): boolean {
    return this.inUse && (this.#owed > 0 || this.#inContent);
  }

  /** In words, for a journal. */
  get printed(): string {
    const far = this.#stream instanceof SimStream ? this.#stream.far : undefined;
    const what =
      this.#sender === undefined ? 'between transactions' : `from <${this.#sender}> since ${Math.round(this.#beganMs)}`;
    return `process ${far?.process?.pid} at ${this.#stream.local.address} (${what})`;
  }

  begin(): void {
    const { random, sessions, mayMisbehave, ledger, connectionsMax } = this.#parts;
    this.#stream.start({
      data: (chunk) => this.#lines.feed(chunk),
      end: () => this.#stream.end(),
      drain: () => undefined,
      closed: () => this.#closed(),
    });
    sessions.add(this);
    const busy = mayMisbehave() && random.chance(this.habits.busy);
    this.#reply(
      busy ? '421 4.3.2 too busy' : `220 mx.${this.habits.domain} ESMTP`,
      busy ? () => this.#stream.end() : undefined,
    );
    const using = [...sessions].filter((one) => one.habits.domain === this.habits.domain && one.busy);
    if (using.length > connectionsMax) {
      const all = using.map((one) => one.printed).join(', ');
      ledger.violations.push(
        `${using.length} connections at once to ${this.habits.domain}, allowed are ${connectionsMax}: ${all}`,
      );
    }
  }

  #closed(): void {
    this.#gone = true;
    this.#parts.sessions.delete(this);
    this.#reset();
  }

  #reset(): void {
    for (const recipient of this.#recipients)
      if (this.#parts.active.get(recipient) === this) this.#parts.active.delete(recipient);
    this.#recipients = [];
    this.#sender = undefined;
    this.#content = [];
  }

  #reply(text: string, then?: () => void): void {
    const { random, time, mayMisbehave } = this.#parts;
    const [from, to] = this.habits.replyMs;
    const at = Math.max(this.#lastReplyAt, time.now + random.between(from, to));
    this.#lastReplyAt = at;
    this.#owed += 1;
    const hangsUp = mayMisbehave() && random.chance(this.habits.hangsUp);
    time.in(at - time.now, () => {
      this.#owed -= 1;
      if (hangsUp && this.#inContent === false) return this.#stream.destroy();
      this.#stream.write(`${text}\r\n`);
      then?.();
    });
  }

  #line(line: string): void {
    if (this.#inContent) {
      if (line === '.') this.#contentEnds();
      else this.#content.push(Buffer.from(`${line.startsWith('.') ? line.slice(1) : line}\r\n`, 'latin1'));
      return;
    }
    const verb = line.slice(0, 4).toUpperCase();
    // Whoever goes on has seen the reply to the content.
    for (const acceptance of this.#last) acceptance.seen = true;
    this.#last = [];
    switch (verb) {
      case 'EHLO': {
        const lines = [`mx.${this.habits.domain}`, ...this.habits.extensions];
        return this.#reply(lines.map((one, i) => `250${i === lines.length - 1 ? ' ' : '-'}${one}`).join('\r\n'));
      }
      case 'HELO':
      case 'NOOP':
        return this.#reply('250 2.0.0 ok');
      case 'RSET':
        this.#reset();
        return this.#reply('250 2.0.0 ok');
      case 'MAIL':
        this.#reset();
        this.#sender = pathOf(line);
        this.#beganMs = this.#parts.time.now;
        return this.#reply('250 2.1.0 ok');
      case 'RCPT':
        return this.#recipient(pathOf(line));
      case 'DATA':
        if (this.#recipients.length === 0) return this.#reply('554 5.5.1 no valid recipients');
        this.#inContent = true;
        return this.#reply('354 go ahead');
      case 'BDAT': {
        const [, size = '0', last] = line.split(' ');
        this.#lines.count(Number(size), (octets) => {
          this.#content.push(Buffer.from(octets));
          if (last !== undefined) this.#contentEnds();
          else this.#reply('250 2.0.0 go on');
        });
        return;
      }
      case 'QUIT':
        this.#quitting = true;
        return this.#reply('221 2.0.0 bye', () => this.#stream.end());
      default:
        return this.#reply('502 5.5.1 unknown command');
    }
  }

  #recipient(recipient: string): void {
    const { greylisted, active, ledger } = this.#parts;
    if (this.#sender === undefined) return this.#reply('503 5.5.1 MAIL first');
    const local = recipient.slice(0, recipient.indexOf('@'));
    if (local.endsWith('bad')) return this.#reply(`550 5.1.1 no mailbox ${local} here`);
    const refused = greylisted.get(recipient) ?? 0;
    if (refused < (local.endsWith('full') ? 2 : this.habits.greylists)) {
      greylisted.set(recipient, refused + 1);
      return this.#reply('451 4.7.1 come back later');
    }
    const other = active.get(recipient);
    // Reports to one sender may well travel side by side: their recipient is the same, their message is not.
    if (other !== undefined && other !== this && other.inUse && this.inUse && !local.startsWith('s')) {
      ledger.violations.push(`two attempts at once for ${recipient}`);
    }
    active.set(recipient, this);
    this.#recipients.push(recipient);
    this.#reply('250 2.1.5 ok');
  }

  #contentEnds(): void {
    const { time, random, mayMisbehave } = this.#parts;
    this.#inContent = false;
    const content = Buffer.concat(this.#content).toString('latin1');
    const recipients = this.#recipients;
    const sender = this.#sender ?? '';
    const process = this.#stream instanceof SimStream ? this.#stream.far?.process : undefined;
    const beganMs = this.#beganMs;
    if (recipients.length === 0) return this.#reply('554 5.5.1 no valid recipients');
    if (mayMisbehave() && random.chance(this.habits.defersContent)) {
      return this.#reply('451 4.3.0 try again', () => this.#reset());
    }
    const messageId = /^message-id:\s*(.*?)\r$/im.exec(content)?.[1] ?? '';
    this.#reply('250 2.0.0 mine now', () => {
      // A host that finds the connection gone before it answers may have kept the message or not.
      const keeps = !this.#gone || random.chance(0.5);
      if (keeps) {
        const made = recipients.map((recipient) => ({
          atMs: time.now,
          recipient,
          sender,
          messageId,
          content,
          process,
          beganMs,
          seen: false,
        }));
        this.#parts.ledger.accept(made);
        this.#last = made;
      }
      this.#reset();
    });
  }
}

function pathOf(line: string): string {
  const start = line.indexOf('<');
  return line.slice(start + 1, line.indexOf('>', start)).toLowerCase();
}
