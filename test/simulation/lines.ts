/** Cuts a stream of octets into lines, with stretches of counted octets between them. */
export class Lines {
  #held: Buffer = Buffer.alloc(0);
  #counted = 0;
  #onCounted: ((octets: Buffer) => void) | undefined;
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** The next so many octets are no lines. */
  count(octets: number, then: (octets: Buffer) => void): void {
    this.#counted = octets;
    this.#onCounted = then;
  }

  feed(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      if (this.#onCounted !== undefined) {
        if (this.#held.length < this.#counted) return;
        const octets = this.#held.subarray(0, this.#counted);
        this.#held = this.#held.subarray(this.#counted);
        const then = this.#onCounted;
        this.#onCounted = undefined;
        then(octets);
        continue;
      }
      const end = this.#held.indexOf('\r\n');
      if (end < 0) return;
      const line = this.#held.toString('latin1', 0, end);
      this.#held = this.#held.subarray(end + 2);
      this.#onLine(line);
    }
  }
}
