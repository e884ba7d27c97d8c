import type { ByteStream } from '../../src/world/ports/network.ts';

/** What a scripted server needs of its connection. */
type Line = Pick<ByteStream, 'start' | 'end' | 'destroy'> & { write(text: string): unknown };

/** What a scripted server answers to one command: reply lines, or an act. */
export type Answer = string | 'hang-up' | 'silence' | { readonly and: 'hang-up'; readonly say: string };

/** The answers of a server: by the whole command, by its verb, or by step ('greeting', 'end'). A function may count. */
export type Script = Readonly<Record<string, Answer | ((command: string) => Answer)>>;

const EHLO = [
  '250-peer.test',
  '250-PIPELINING',
  '250-8BITMIME',
  '250-SIZE 1000000',
  '250-DSN',
  '250-STARTTLS',
  '250-SMTPUTF8',
  '250 ENHANCEDSTATUSCODES',
];
/** An EHLO answer with the extensions of an ordinary server and no CHUNKING; `without` leaves some out, `more` adds. */
export function ehlo(without: readonly string[] = [], more: readonly string[] = []): string {
  const lines = [
    ...EHLO.filter((line) => !without.some((word) => line.includes(word))),
    ...more.map((word) => `250 ${word}`),
  ];
  return lines
    .map((line, i) => `${line.slice(0, 3)}${i === lines.length - 1 ? ' ' : '-'}${line.slice(4)}`)
    .join('\r\n');
}

const DEFAULTS: Script = {
  greeting: '220 peer.test ESMTP',
  EHLO: ehlo(['STARTTLS']),
  LHLO: ehlo(['STARTTLS']),
  HELO: '250 peer.test',
  STARTTLS: '220 go ahead',
  AUTH: '235 2.7.0 welcome',
  MAIL: '250 2.1.0 sender ok',
  RCPT: '250 2.1.5 recipient ok',
  DATA: '354 go ahead',
  end: '250 2.0.0 queued as ABC',
  BDAT: '250 2.0.0 queued as BDAT',
  RSET: '250 2.0.0 ok',
  QUIT: '221 2.0.0 bye',
};

/** A server that answers by a script, one reply a command, and remembers what it was told. */
export class ScriptedPeer {
  readonly commands: string[] = [];
  /** The contents it got, as they came over the wire. */
  readonly contents: Buffer[] = [];
  readonly #script: Script;
  readonly #stream: Line;
  readonly #lmtp: boolean;
  #input: Buffer = Buffer.alloc(0);
  #mode: 'commands' | 'data' = 'commands';
  #chunk = 0;
  #bdat = '';
  #accepted = 0;
  #deaf = false;

  constructor(stream: Line, script: Script, lmtp = false) {
    this.#stream = stream;
    this.#script = { ...DEFAULTS, ...script };
    this.#lmtp = lmtp;
    stream.start({
      data: (chunk) => this.#read(chunk),
      end: () => undefined,
      drain: () => undefined,
      closed: () => undefined,
    });
    this.#answer('greeting', 'greeting');
  }

  #read(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    while (!this.#deaf && this.#step());
  }

  #step(): boolean {
    if (this.#chunk > 0) return this.#readChunk();
    if (this.#mode === 'data') return this.#readContent();
    const end = this.#input.indexOf('\r\n');
    if (end < 0) return false;
    const line = this.#input.toString('utf8', 0, end);
    this.#input = this.#input.subarray(end + 2);
    this.commands.push(line);
    const verb = /^[A-Z]+/i.exec(line)?.[0].toUpperCase() ?? line;
    if (verb === 'BDAT') {
      this.#bdat = line;
      this.#chunk = Number(line.split(' ')[1]);
      return true;
    }
    const said = this.#answer(line, verb);
    if (verb === 'MAIL' || verb === 'RSET') this.#accepted = 0;
    if (verb === 'RCPT' && said.startsWith('2')) this.#accepted += 1;
    if (verb === 'DATA' && said.startsWith('354')) this.#mode = 'data';
    return true;
  }

  #readChunk(): boolean {
    if (this.#input.length < this.#chunk) return false;
    this.contents.push(this.#input.subarray(0, this.#chunk));
    this.#input = this.#input.subarray(this.#chunk);
    this.#chunk = 0;
    this.#answer(this.#bdat, this.#accepted > 0 ? 'BDAT' : 'BDAT-refused');
    return true;
  }

  #readContent(): boolean {
    const end = this.#input.subarray(0, 3).equals(Buffer.from('.\r\n')) ? 0 : this.#input.indexOf('\r\n.\r\n');
    if (end < 0) return false;
    const length = end === 0 && this.#input[0] === 46 ? 0 : end + 2;
    this.contents.push(this.#input.subarray(0, length));
    this.#input = this.#input.subarray(length + 3);
    this.#mode = 'commands';
    const replies = this.#lmtp ? this.#accepted : 1;
    for (let i = 0; i < replies; i++) this.#answer('end', 'end');
    return true;
  }

  #answer(line: string, verb: string): string {
    const found = this.#script[line] ?? this.#script[verb] ?? '503 5.5.1 bad sequence';
    const answer = typeof found === 'function' ? found(line) : found;
    if (answer === 'silence') {
      this.#deaf = true;
      return '';
    }
    if (answer === 'hang-up') {
      this.#deaf = true;
      this.#stream.destroy();
      return '';
    }
    const text = typeof answer === 'string' ? answer : answer.say;
    this.#stream.write(`${text}\r\n`);
    if (typeof answer !== 'string') {
      this.#deaf = true;
      this.#stream.end();
    }
    return text;
  }
}
