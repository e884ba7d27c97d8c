import { createHash } from 'node:crypto';
import type { HttpRequest, HttpResponse } from '../../world/ports/http.ts';
import { page, seeOther } from '../admin/answers.ts';
import { SESSION_MS } from '../admin/limits.ts';
import type { Logins } from '../admin/logins.ts';
import type { Sessions } from '../admin/sessions.ts';
import type { Journal } from '../../events/journal.ts';
import { html, type Piece } from './html.ts';
import { layout } from './layout.ts';

const FLAGS = 'Path=/; HttpOnly; SameSite=Strict';

/** A browser holds one cookie for all ports of a host: consoles that come by tunnels must not take each other's (RFC 6265 §8.5). */
function cookieOf(server: string): string {
  return `ims-console-${createHash('sha256').update(server).digest('hex').slice(0, NAME_DIGITS)}`;
}

const NAME_DIGITS = 8;

/** Takes the secret out of a browser. */
export const clearedCookie = (server: string): string => `${cookieOf(server)}=; ${FLAGS}; Max-Age=0`;

/** The secret that a browser shows. */
export function secretOf(server: string, cookie: string | undefined): string | undefined {
  const start = `${cookieOf(server)}=`;
  const own = (cookie ?? '').split(';').find((part) => part.trimStart().startsWith(start));
  return own?.trim().slice(start.length);
}

/** Where to go after the login: a page of ours, or the first one. */
function safePlace(to: string): string {
  return /^\/(?![/\\])[\x21-\x7e]{0,2000}$/.test(to) ? to : '/';
}

/** The form that asks for the token. */
export function loginPage(server: string, to: string, said?: Piece): string {
  return layout(
    { server, title: 'Console' },
    html`${said !== undefined && html`<p class="bad">${said}</p>`}
<form method="post" action="/login"><input type="hidden" name="to" value="${safePlace(to)}">
<label>Token <input type="password" name="token" autocomplete="current-password" required autofocus size="48"></label>
<button>Log in</button></form>
<p>On the host of the service, <code>ims console --token</code> prints it.</p>`,
  );
}

/** Compares the token; a browser that knows it gets a session. */
export function logIn(
  { fields }: HttpRequest,
  form: URLSearchParams,
  parts: {
    readonly logins: Logins;
    readonly sessions: Sessions;
    readonly journal: Journal;
    readonly serverName: () => string;
  },
): HttpResponse {
  const to = form.get('to') ?? '';
  const end = parts.logins.attempt((form.get('token') ?? '').trim());
  const again = (status: number, words: string, more: Readonly<Record<string, string>> = {}): HttpResponse =>
    page(status, loginPage(parts.serverName(), to, words), more);
  if (end.ok) {
    parts.journal.emit('console.entered', {});
    // Behind a reverse proxy with TLS the browser is told to keep the secret to it.
    const secure = fields['origin']?.startsWith('https:') === true ? '; Secure' : '';
    const cookie = `${cookieOf(parts.serverName())}=${parts.sessions.open()}; ${FLAGS}; Max-Age=${SESSION_MS / 1000}${secure}`;
    return seeOther(safePlace(to), { 'set-cookie': cookie });
  }
  if (end.waitMs === undefined) return again(401, 'This is not the token.');
  const seconds = Math.ceil(end.waitMs / 1000);
  return again(429, `Too many wrong tokens: come again in ${seconds} seconds.`, { 'retry-after': `${seconds}` });
}
