import { createServerMachine } from '../../src/protocol/smtp/server/machine.ts';
import type { Effect, ServerMachine } from '../../src/protocol/smtp/server/port.ts';
import { ScriptedAnswers } from './scripted-answers.ts';
import type { Transcript, TranscriptPeer } from './transcript.ts';

/** The pure machine as a transcript's peer: every question is answered at once. */
export class PurePeer implements TranscriptPeer {
  readonly machine: ServerMachine;
  /** All effects in the order they came. */
  readonly effects: Effect[] = [];
  readonly #answers: ScriptedAnswers;
  readonly #pieceSize: number;
  #said = '';
  #content: Buffer[] = [];
  #message: Buffer | undefined;
  #ended = false;

  constructor({ offer, answers, tls }: Pick<Transcript, 'offer' | 'answers' | 'tls'>, pieceSize = Infinity) {
    this.machine = createServerMachine(offer);
    this.#answers = new ScriptedAnswers(answers, offer.profile === 'lmtp');
    this.#pieceSize = pieceSize;
    this.#carryOut(this.machine.open(tls));
  }

  /** Feeds the octets in pieces, out of a buffer that is overwritten afterwards as a socket's would be. */
  send(octets: Buffer): void {
    for (let at = 0; at < octets.length; at += this.#pieceSize) {
      const piece = Buffer.from(octets.subarray(at, Math.min(octets.length, at + this.#pieceSize)));
      this.#carryOut(this.machine.receive(piece));
      piece.fill(0x2a);
    }
  }

  line(): string | undefined {
    const end = this.#said.indexOf('\r\n');
    if (end < 0) return undefined;
    const line = this.#said.slice(0, end);
    this.#said = this.#said.slice(end + 2);
    return line;
  }

  startTls(): void {
    this.#carryOut(this.machine.tlsStarted());
  }

  closed(): boolean {
    return this.#ended;
  }

  content(): Buffer {
    return this.#message ?? Buffer.alloc(0);
  }

  happen(what: 'timeout' | 'shutdown'): void {
    this.#carryOut(what === 'timeout' ? this.machine.timedOut() : this.machine.shutDown());
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.effects.push(effect.kind === 'content' ? { kind: 'content', chunk: Buffer.from(effect.chunk) } : effect);
      if (effect.kind === 'send' || effect.kind === 'start-tls') this.#said += effect.octets;
      else if (effect.kind === 'content') this.#content.push(Buffer.from(effect.chunk));
      else if (effect.kind === 'abandon') this.#content = [];
      else if (effect.kind === 'close') this.#ended = true;
      else if (effect.kind === 'ask') {
        if (effect.question.about === 'message') {
          this.#message = Buffer.concat(this.#content);
          this.#content = [];
        }
        this.#carryOut(this.machine.answer(this.#answers.to(effect.question)));
      }
    }
  }
}
