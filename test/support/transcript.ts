/**
 * Transcripts of SMTP dialogues as text: what the files of `test/transcripts` say, and how they are played against a peer,
 * be it the pure machine or a real socket.
 *
 *   @offer key=value ...   what the server offers; without it that of `defaultOffer`
 *   @answer about who reply   the answer to a question, `who` being the address, name or user it is about, or *
 *   @tls                   the session begins under TLS
 *   C: text                a line from the client; CR LF is added; consecutive ones go as one piece
 *   C+ text                octets from the client, nothing added
 *   C* count text          the text so many times
 *   S: text                a line from the server, exactly
 *   S~ text                a line from the server that begins so
 *   T:                     the client starts TLS
 *   Z:                     the server ends the connection
 *   M: text                the content that was handed over with the last message; left out where the peer cannot tell
 *   ! timeout, ! shutdown  what happens to the server; such transcripts are for peers that can do it
 *   # why
 * Escapes in C, S and M: \r \n \t \0 \\ \xNN (an octet).
 */
import assert from 'node:assert/strict';
import type { Reply } from '../../src/mail/reply.ts';
import type { Question, ServerOffer } from '../../src/protocol/smtp/server/port.ts';

/** An answer that a transcript prescribes. */
export interface ScriptedAnswer {
  readonly about: Question['about'];
  readonly who: string;
  readonly reply: Reply;
}

/** A line of the dialogue, with its number in the file. */
export type Step =
  | { readonly kind: 'send'; readonly octets: Buffer; readonly line: number }
  | { readonly kind: 'expect'; readonly text: string; readonly exact: boolean; readonly line: number }
  | { readonly kind: 'content'; readonly octets: Buffer; readonly line: number }
  | { readonly kind: 'tls' | 'closed' | 'timeout' | 'shutdown'; readonly line: number };

/** A transcript as it was read. */
export interface Transcript {
  readonly offer: ServerOffer;
  readonly tls: boolean;
  readonly answers: readonly ScriptedAnswer[];
  readonly steps: readonly Step[];
}

/** The far side of a transcript: a server reached in some way. */
export interface TranscriptPeer {
  send(octets: Buffer): void | Promise<void>;
  /** The next line the server said, without CR LF; undefined when it says no more. */
  line(): string | undefined | Promise<string | undefined>;
  startTls(): void | Promise<void>;
  /** Whether the server has ended the connection. */
  closed(): boolean | Promise<boolean>;
  /** Content of the last message; undefined where the peer cannot tell. */
  content(): Buffer | undefined;
  happen(what: 'timeout' | 'shutdown'): void | Promise<void>;
}

/** What transcripts are written against unless they say otherwise. */
export const defaultOffer: ServerOffer = {
  profile: 'mx',
  hostName: 'mx.example.test',
  banner: 'ESMTP IMS',
  startTls: 'off',
  mechanisms: [],
  authInClear: false,
  authRequired: false,
  etrn: false,
  messageSizeMax: 100_000,
  recipientsMax: 100,
  messagesMax: 100,
  errorsMax: 10,
  bareLineEndings: 'refuse',
};

/** Reads a transcript; throws with the line's number where it is not well formed. */
export function parseTranscript(text: string): Transcript {
  let offer = defaultOffer;
  let tls = false;
  const answers: ScriptedAnswer[] = [];
  const steps: Step[] = [];
  for (const [i, raw] of text.split('\n').entries()) {
    const line = i + 1;
    const mark = raw.slice(0, 2);
    const rest = raw.slice(3);
    if (raw.trim() === '' || raw.startsWith('#')) continue;
    if (raw === '@tls') tls = true;
    else if (raw.startsWith('@offer ')) offer = { ...offer, ...readOffer(raw.slice(7), line) };
    else if (raw.startsWith('@answer ')) answers.push(readAnswer(raw.slice(8), line));
    else if (mark === 'C:')
      steps.push({ kind: 'send', octets: Buffer.concat([unescaped(rest), Buffer.from('\r\n')]), line });
    else if (mark === 'C+') steps.push({ kind: 'send', octets: unescaped(rest), line });
    else if (mark === 'C*') {
      const [count = '', ...words] = rest.split(' ');
      steps.push({
        kind: 'send',
        octets: Buffer.concat(Array<Buffer>(Number(count)).fill(unescaped(words.join(' ')))),
        line,
      });
    } else if (mark === 'S:' || mark === 'S~') {
      steps.push({ kind: 'expect', text: unescaped(rest).toString('latin1'), exact: mark === 'S:', line });
    } else if (mark === 'M:') steps.push({ kind: 'content', octets: unescaped(rest), line });
    else if (mark === 'T:') steps.push({ kind: 'tls', line });
    else if (mark === 'Z:') steps.push({ kind: 'closed', line });
    else if (raw === '! timeout' || raw === '! shutdown')
      steps.push({ kind: raw === '! timeout' ? 'timeout' : 'shutdown', line });
    else assert.fail(`line ${line}: not understood: ${raw}`);
  }
  return { offer, tls, answers, steps };
}

/** Plays a transcript; throws with the line's number at the first difference, and where the server says more than was written. */
export async function playTranscript(transcript: Transcript, peer: TranscriptPeer): Promise<void> {
  const { steps } = transcript;
  let piece: Buffer[] = [];
  for (const [i, step] of steps.entries()) {
    switch (step.kind) {
      case 'send':
        piece.push(step.octets);
        if (steps[i + 1]?.kind === 'send') break;
        await peer.send(Buffer.concat(piece));
        piece = [];
        break;
      case 'expect': {
        const said = await peer.line();
        const fits = step.exact ? said === step.text : said?.startsWith(step.text);
        assert.ok(
          fits,
          `line ${step.line}: expected "${step.text}", got ${said === undefined ? 'nothing' : `"${said}"`}`,
        );
        break;
      }
      case 'content': {
        const content = peer.content();
        if (content !== undefined)
          assert.equal(content.toString('latin1'), step.octets.toString('latin1'), `line ${step.line}: content`);
        break;
      }
      case 'tls':
        await peer.startTls();
        break;
      case 'closed': {
        const said = await peer.line();
        assert.ok(
          said === undefined && (await peer.closed()),
          `line ${step.line}: expected the end, got ${said ?? 'silence'}`,
        );
        break;
      }
      case 'timeout':
      case 'shutdown':
        await peer.happen(step.kind);
        break;
    }
  }
}

function readOffer(text: string, line: number): Partial<ServerOffer> {
  const entries = text.split(' ').map((word) => {
    const [key = '', value = ''] = word.split('=', 2);
    assert.ok(Object.hasOwn(defaultOffer, key), `line ${line}: no such offer: ${key}`);
    const known = defaultOffer[key as keyof ServerOffer];
    if (typeof known === 'number') return [key, Number(value)];
    if (typeof known === 'boolean') return [key, value === 'true'];
    return [key, Array.isArray(known) ? value.split(',') : value];
  });
  return Object.fromEntries(entries) as Partial<ServerOffer>;
}

function readAnswer(text: string, line: number): ScriptedAnswer {
  const match = /^(\w+) (\S+) (\d{3}) (?:[245]\.(\d+\.\d+) )?(.*)$/.exec(text);
  assert.ok(match !== null, `line ${line}: about, who and a reply`);
  const [, about = '', who = '', code, detail, words = ''] = match;
  return {
    about: about as Question['about'],
    who,
    reply: { code: Number(code), ...(detail && { detail }), text: [words] },
  };
}

const NAMED: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

function unescaped(text: string): Buffer {
  const octets = Buffer.from(text).toString('latin1');
  const plain = octets.replace(/\\(?:x([0-9a-f]{2})|([rnt0\\]))/g, (_, hex: string | undefined, name: string) =>
    hex === undefined ? (NAMED[name] ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1');
}
