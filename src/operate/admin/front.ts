/** What every request passes: whether it was meant for us, and who asks. Then the API or the console answers. */
import type { Journal } from '../../events/journal.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { HttpRequest, HttpResponse } from '../../world/ports/http.ts';
import type { Random } from '../../world/ports/random.ts';
import { Console, type ConsoleParts } from '../console/index.ts';
import { answerApi, API, type Run } from './api.ts';
import { problem } from './answers.ts';
import { ANSWER_MS, REQUESTS_MAX } from './limits.ts';
import { Logins } from './logins.ts';
import { isOurHost, isOurOrigin } from './origin.ts';
import { Sessions } from './sessions.ts';

/** As much of a target as an event tells. */
const TOLD_MAX = 200;

/** What the front needs. */
export interface FrontParts extends Pick<ConsoleParts, 'articles'> {
  readonly clock: Pick<Clock, 'now' | 'wall' | 'after'>;
  readonly random: Random;
  readonly journal: Journal;
  /** The name of this server. */
  readonly serverName: () => string;
  readonly token: () => string;
  readonly run: Run;
}

/** Answers requests; never rejects. */
export class Front {
  readonly #parts: FrontParts;
  readonly #sessions: Sessions;
  readonly #logins: Logins;
  readonly #pages: Console;
  #running = 0;

  constructor(parts: FrontParts) {
    const { clock, journal, run, articles, serverName } = parts;
    this.#parts = parts;
    this.#sessions = new Sessions(parts);
    this.#logins = new Logins(clock, journal, parts.token);
    const [sessions, logins] = [this.#sessions, this.#logins];
    this.#pages = new Console({ clock, journal, run, articles, serverName, sessions, logins });
  }

  /** Ends all logins. */
  endSessions(): void {
    this.#sessions.endAll();
  }

  async answer(request: HttpRequest): Promise<HttpResponse> {
    if (this.#running >= REQUESTS_MAX)
      return problem(503, `more than ${REQUESTS_MAX} requests at once; come again`, { 'retry-after': '1' });
    this.#running += 1;
    try {
      return await this.#inTime(this.#answer(request));
    } catch (error) {
      // The frontier of requests: a defect ends this one, not the operator process.
      const action = `${request.method} ${request.target.slice(0, TOLD_MAX)}`;
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#parts.journal.emit('control.action-failed', { action, why });
      return problem(500, 'the request failed by an error of this program; the event 4850 says more');
    } finally {
      this.#running -= 1;
    }
  }

  async #answer(request: HttpRequest): Promise<HttpResponse> {
    const { method, target, fields } = request;
    const name = this.#parts.serverName();
    if (!isOurHost(fields['host'], name))
      return problem(421, `this place answers as localhost, by a loopback address, or as ${name}`);
    const mark = target.indexOf('?');
    const path = mark === -1 ? target : target.slice(0, mark);
    const query = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1));
    const looks = method === 'GET' || method === 'HEAD';
    if (!looks && !isOurOrigin(fields['origin'], fields['host'], name))
      return problem(403, 'a page of another site asked for this');
    if (path !== API && !path.startsWith(`${API}/`)) return this.#pages.answer(request, path, query);
    return this.#refusal(fields['authorization']) ?? answerApi(request, path, query, this.#parts.run);
  }

  /** Why somebody may not use the API; undefined where they may (RFC 6750 §2.1). */
  #refusal(authorization: string | undefined): HttpResponse | undefined {
    const challenge = { 'www-authenticate': 'Bearer realm="ims"' };
    const given = /^bearer +([A-Za-z0-9._~+/=-]{1,200})$/i.exec(authorization ?? '')?.[1];
    if (given === undefined)
      return problem(
        401,
        'log in with the field Authorization: Bearer and the token of `ims console --token`',
        challenge,
      );
    const end = this.#logins.attempt(given);
    if (end.ok) return undefined;
    if (end.waitMs === undefined) return problem(401, 'this is not the token of `ims console --token`', challenge);
    const seconds = Math.ceil(end.waitMs / 1000);
    return problem(429, `too many wrong tokens; come again in ${seconds} s`, { 'retry-after': `${seconds}` });
  }

  /** An answer that does not come is given up: who waits must learn it. */
  #inTime(coming: Promise<HttpResponse>): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const limit = this.#parts.clock.after(ANSWER_MS, () =>
        resolve(problem(503, `the service did not answer within ${ANSWER_MS / 1000} s`)),
      );
      coming.then(resolve, reject).finally(() => limit.cancel());
    });
  }
}
