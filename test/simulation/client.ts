import type { ByteStream } from '../../src/world/ports/network.ts';
import type { SimInternet } from '../../src/world/sim/network.ts';
import type { SeededRandom } from '../../src/world/sim/random.ts';
import type { SimTime } from '../../src/world/sim/time.ts';
import type { Ledger, Submission } from './ledger.ts';
import { Lines } from './lines.ts';

/** Where a client is and where it goes. */
export interface ClientParts {
  readonly time: SimTime;
  readonly internet: SimInternet;
  readonly random: SeededRandom;
  readonly ledger: Ledger;
  readonly address: string;
  readonly server: { readonly address: string; readonly port: number };
}

/** A message as a client is about to submit it. */
export interface Draft {
  readonly token: string;
  readonly sender: string;
  readonly recipients: readonly {
    readonly address: string;
    readonly notify: Submission['recipients'][number]['notify'];
  }[];
  readonly bodyBytes: number;
}

const PATIENCE_MS = 120_000;

/** Submits messages over one session, one after the other; each is entered in the ledger. Resolves when the session is over. */
export function submit(parts: ClientParts, drafts: readonly Draft[]): Promise<void> {
  const submissions = drafts.map(
    (draft): Submission => ({
      token: draft.token,
      sender: draft.sender,
      recipients: draft.recipients.map((recipient) => ({ ...recipient, accepted: false })),
      state: 'under-way',
    }),
  );
  parts.ledger.submissions.push(...submissions);
  const giveUp = (): void => {
    for (const one of submissions) if (one.state === 'under-way') parts.ledger.settle(one, 'refused');
  };
  const network = parts.internet.networkOf(parts.address, undefined);
  return network
    .dial({ ...parts.server, timeoutMs: 20_000 })
    .then((stream) => new Session(parts, stream, drafts, submissions).run().then(giveUp), giveUp);
}

class Session {
  readonly #parts: ClientParts;
  readonly #stream: ByteStream;
  readonly #drafts: readonly Draft[];
  readonly #submissions: readonly Submission[];
  readonly #replies: ((code: number | undefined) => void)[] = [];
  #dead = false;

  constructor(parts: ClientParts, stream: ByteStream, drafts: readonly Draft[], submissions: readonly Submission[]) {
    this.#parts = parts;
    this.#stream = stream;
    this.#drafts = drafts;
    this.#submissions = submissions;
  }

  async run(): Promise<void> {
    const lines = new Lines((line) => {
      if (line[3] !== '-') this.#replies.shift()?.(Number(line.slice(0, 3)));
    });
    this.#stream.start({
      data: (chunk) => lines.feed(chunk),
      end: () => this.#over(),
      drain: () => undefined,
      closed: () => this.#over(),
    });
    const greeted = await this.#next();
    const hello = greeted === 220 ? await this.#say('EHLO client.test') : undefined;
    if (hello === 250) {
      for (const [i, draft] of this.#drafts.entries()) {
        const submission = this.#submissions[i];
        if (this.#dead || submission === undefined) break;
        await this.#transact(draft, submission);
      }
      if (!this.#dead) await this.#say('QUIT');
    }
    this.#over();
  }

  async #transact(draft: Draft, submission: Submission): Promise<void> {
    const mail = await this.#say(`MAIL FROM:<${draft.sender}>`);
    if (mail !== 250) {
      this.#parts.ledger.settle(submission, 'refused');
      return;
    }
    const replies = submission.recipients.map(async (recipient) => {
      const notify = recipient.notify === undefined ? '' : ` NOTIFY=${recipient.notify}`;
      recipient.accepted = (await this.#say(`RCPT TO:<${recipient.address}>${notify}`)) === 250;
    });
    await Promise.all(replies);
    if (!submission.recipients.some(({ accepted }) => accepted) || (await this.#say('DATA')) !== 354) {
      this.#parts.ledger.settle(submission, 'refused');
      if (!this.#dead) await this.#say('RSET');
      return;
    }
    this.#parts.ledger.settle(submission, 'unknown');
    const end = await this.#say(`${contentOf(draft)}\r\n.`);
    if (end === 250) this.#parts.ledger.settle(submission, 'acknowledged');
    else if (end !== undefined) this.#parts.ledger.settle(submission, 'refused');
  }

  #say(line: string): Promise<number | undefined> {
    if (this.#dead) return Promise.resolve(undefined);
    this.#stream.write(`${line}\r\n`);
    return this.#next();
  }

  #next(): Promise<number | undefined> {
    if (this.#dead) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const limit = this.#parts.time.in(PATIENCE_MS, () => this.#over());
      this.#replies.push((code) => {
        limit.fn = undefined;
        resolve(code);
      });
    });
  }

  #over(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#stream.destroy();
    for (const reply of this.#replies.splice(0)) reply(undefined);
  }
}

function contentOf({ token, sender, recipients, bodyBytes }: Draft): string {
  const line = `${'the quick brown fox jumps over the lazy dog '.repeat(1)}\r\n`;
  const header = [
    `From: <${sender === '' ? 'daemon@client.test' : sender}>`,
    `To: ${recipients.map(({ address }) => address).join(', ')}`,
    `Subject: ${token}`,
    `Message-ID: <${token}@client.test>`,
    'Date: Mon, 2 Nov 2026 10:00:00 +0000',
  ];
  return `${header.join('\r\n')}\r\n\r\n${line.repeat(Math.ceil(bodyBytes / line.length))}end of ${token}`;
}
