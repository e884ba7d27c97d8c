/**
 * The door of the console: pages that a browser shows without scripts, made here from the same actions that the command line runs.
 * It promises a page for every request: what an action refuses is said in its words. Everything shown is escaped. It keeps nothing
 * but the last examination.
 */
import type { Journal } from '../../events/journal.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { HttpRequest, HttpResponse } from '../../world/ports/http.ts';
import { answer, page, seeOther, statusOf } from '../admin/answers.ts';
import type { Logins } from '../admin/logins.ts';
import type { Session, Sessions } from '../admin/sessions.ts';
import { sameSecret } from '../admin/token.ts';
import type { Failure } from '../control/frames.ts';
import type { ActionEnd } from '../control/server.ts';
import type { Library } from '../knowledge/index.ts';
import { Examinations } from './examinations.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';
import { clearedCookie, logIn, loginPage, secretOf } from './login.ts';
import type { Asked, Shown } from './asked.ts';
import { changes, places } from './places.ts';
import { style } from './style.ts';

/** What the console needs. */
export interface ConsoleParts {
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  readonly journal: Journal;
  readonly sessions: Sessions;
  readonly logins: Logins;
  readonly serverName: () => string;
  /** Runs an action; never rejects. */
  readonly run: (action: string, input: unknown) => Promise<ActionEnd>;
  /** The articles that are installed. */
  readonly articles: () => Promise<Library>;
}

/** Answers requests for pages. */
export class Console {
  readonly #parts: ConsoleParts;
  readonly #examinations: Examinations;

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
    this.#examinations = new Examinations(parts);
  }

  async answer(request: HttpRequest, path: string, query: URLSearchParams): Promise<HttpResponse> {
    const { sessions } = this.#parts;
    const { method, fields } = request;
    if (path === '/style.css') return answer(200, 'text/css; charset=utf-8', style, { 'cache-control': 'max-age=300' });
    const secret = secretOf(this.#parts.serverName(), fields['cookie']);
    const session = sessions.find(secret);
    if (path === '/login') return this.#login(request, query, session);
    if (session === undefined) {
      const to = method === 'GET' ? `?to=${encodeURIComponent(request.target)}` : '';
      return seeOther(`/login${to}`);
    }
    const asked = { path, query, parts: this.#parts, examinations: this.#examinations, formToken: session.formToken };
    if (method === 'POST') return this.#change(request, asked, secret);
    if (method !== 'GET' && method !== 'HEAD') return this.#page(asked, refusal(405, 'This is asked with GET.'));
    return this.#page(asked, await this.#shown(asked));
  }

  async #shown(asked: Asked): Promise<Shown> {
    for (const { at, pattern, show } of places) {
      const match = pattern.exec(asked.path);
      if (match === null) continue;
      const word = decoded(match[1] ?? '');
      if (word === undefined) break;
      const shown = await show(asked, word);
      return 'failure' in shown ? failed(shown.failure) : { at, ...shown };
    }
    return refusal(404, 'There is no such page.');
  }

  async #change(request: HttpRequest, asked: Asked, secret: string | undefined): Promise<HttpResponse> {
    const form = formOf(request);
    if (form === undefined || !sameSecret(asked.formToken, form.get('form') ?? ''))
      return this.#page(
        asked,
        refusal(403, 'This form is not of this login any more. Go back, load the page again, and repeat it.'),
      );
    if (asked.path === '/logout') {
      this.#parts.sessions.end(secret);
      return seeOther('/login', { 'set-cookie': clearedCookie(this.#parts.serverName()) });
    }
    for (const { pattern, change } of changes) {
      const match = pattern.exec(asked.path);
      if (match === null) continue;
      const done = await change(
        asked,
        form,
        match.slice(1).map((word) => decoded(word) ?? ''),
      );
      return 'failure' in done ? this.#page(asked, failed(done.failure)) : seeOther(done.to);
    }
    return this.#page(asked, refusal(404, 'There is no such form.'));
  }

  async #login(request: HttpRequest, query: URLSearchParams, session: Session | undefined): Promise<HttpResponse> {
    const server = this.#parts.serverName();
    if (request.method !== 'POST')
      return session === undefined ? page(200, loginPage(server, query.get('to') ?? '')) : seeOther('/');
    const form = formOf(request);
    return logIn(request, form ?? new URLSearchParams(), this.#parts);
  }

  #page({ formToken }: Asked, { status = 200, title, at, refreshSeconds, content }: Shown): HttpResponse {
    const frame = {
      server: this.#parts.serverName(),
      title,
      formToken,
      ...(at === undefined ? {} : { at }),
      ...(refreshSeconds === undefined ? {} : { refreshSeconds }),
    };
    return page(status, layout(frame, content));
  }
}

const refusal = (status: number, words: string): Shown => ({
  status,
  title: status === 404 ? 'Not found' : 'Not done',
  content: html`<p>${words}</p>`,
});

/** An action that was not done, in the words of the command line. */
function failed(failure: Failure): Shown {
  return { status: statusOf(failure), title: 'Not done', content: html`<p class="bad">${failure.message}</p>` };
}

function formOf({ fields, content }: HttpRequest): URLSearchParams | undefined {
  if (!/^application\/x-www-form-urlencoded(?:;|$)/i.test(fields['content-type'] ?? '')) return undefined;
  return new URLSearchParams(content.toString('latin1'));
}

function decoded(word: string): string | undefined {
  try {
    return decodeURIComponent(word);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
