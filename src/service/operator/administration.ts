/** The place of the administrator API and the console in the operator process. What they need is loaded once the service has started. */
import type { Journal } from '../../events/journal.ts';
import type { ConsoleLook } from '../../operate/actions/context.ts';
import type { Front } from '../../operate/admin/front.ts';
import type { Token } from '../../operate/admin/token.ts';
import type { ActionEnd } from '../../operate/control/server.ts';
import type { Http, HttpServing } from '../../world/ports/http.ts';
import type { ListenHandle } from '../../world/ports/network.ts';
import type { Timer } from '../../world/ports/clock.ts';
import type { World } from '../../world/world.ts';
import type { Board } from '../parts/board.ts';
import { KeptPlace } from './kept-place.ts';

/** Long enough that loading the pages competes with no start. */
const OPEN_AFTER_MS = 600;

/** What they need. */
export interface AdministrationParts {
  readonly world: World;
  readonly journal: Journal;
  readonly board: Board;
  readonly http: () => Promise<Http>;
  /** Where the program lies; the articles are found from there. */
  readonly programDirectory: string;
  /** Where the token is kept: the data directory, or another while that cannot be used. */
  readonly directory: string;
  readonly serverName: () => string;
  readonly socket: (place: string | undefined) => Promise<ListenHandle | undefined>;
  readonly run: (action: string, input: unknown) => Promise<ActionEnd>;
}

const CONSOLE = 'console';
const API = 'administrator API';

/** Serves both at one place. */
export class Administration {
  readonly #parts: AdministrationParts;
  readonly #place: KeptPlace;
  #wanted: string | undefined;
  #used: string | undefined;
  #opening: Timer | undefined;
  #token: Token | undefined;
  #front: Front | undefined;

  constructor(parts: AdministrationParts) {
    this.#parts = parts;
    const { world, board, journal, socket } = parts;
    this.#place = new KeptPlace({
      world,
      socket,
      serve: (handle) => this.#serve(handle),
      served(place, again) {
        for (const part of [API, CONSOLE]) board.set({ part, state: 'running' });
        if (again) journal.emit('console.available', { place });
      },
      failed(place, cause, changed) {
        if (changed) journal.emit('console.unavailable', { place, cause });
        const cure = 'ss -ltnp (shows who has the port; or set server.console to another place, then ims reload)';
        board.set({ part: CONSOLE, state: 'failed', event: 3806, cause: `${place}: ${cause}`, cure });
        // It is the same place: said once is enough.
        board.set({ part: API, state: 'stopped', event: 3806, cause: 'waits for the place of the console' });
      },
      gone() {
        for (const part of [API, CONSOLE]) board.drop(part);
      },
    });
  }

  /** Answers at this place from soon on; undefined for nowhere. */
  use(place: string | undefined): void {
    this.#wanted = place;
    this.#opening?.cancel();
    const waitMs = this.#front === undefined ? OPEN_AFTER_MS : 0;
    this.#opening = this.#parts.world.clock.after(waitMs, () => void this.#use(place));
  }

  async #use(place: string | undefined): Promise<void> {
    // Whoever removed the file of the token wants another one.
    if (this.#front !== undefined) await this.#readToken();
    await this.#place.use(place);
    this.#used = place;
  }

  look(): ConsoleLook {
    const { board, directory } = this.#parts;
    const part = board.get(CONSOLE);
    return {
      place: this.#wanted,
      served: part?.state === 'running' && this.#used === this.#wanted,
      ...(part?.cause === undefined ? {} : { why: part.cause }),
      ...(this.#token === undefined ? {} : { token: this.#token.text }),
      ...(this.#token === undefined || this.#token.notKept !== undefined
        ? {}
        : { tokenFile: `${directory}/console.token` }),
    };
  }

  close(): void {
    this.#opening?.cancel();
    this.#place.close();
  }

  async #serve(handle: ListenHandle): Promise<HttpServing> {
    const { world, journal, serverName, run, programDirectory } = this.#parts;
    const [{ Front, httpLimits }, { readLibrary }, http] = await Promise.all([
      import('../../operate/admin/index.ts'),
      import('../../operate/knowledge/index.ts'),
      this.#parts.http(),
    ]);
    await this.#readToken();
    const front = new Front({
      clock: world.clock,
      random: world.random,
      journal,
      serverName,
      token: () => this.#token?.text ?? '',
      run,
      articles: () => readLibrary(world.disk, programDirectory),
    });
    this.#front = front;
    return http.serve(handle, httpLimits, (request) => front.answer(request));
  }

  async #readToken(): Promise<void> {
    const { keepToken } = await import('../../operate/admin/index.ts');
    const { world, directory } = this.#parts;
    // One that could not be kept lasts as long as this process, unless there is one by now.
    const token = await keepToken(world, directory, this.#token);
    if (token.text !== this.#token?.text) this.#front?.endSessions();
    this.#token = token;
  }
}
