import { html, type Html, type Piece } from './html.ts';

const PLACES: ReadonlyArray<readonly [path: string, words: string]> = [
  ['/', 'Overview'],
  ['/parts', 'Parts'],
  ['/conditions', 'Found'],
  ['/queue', 'Queue'],
  ['/events', 'Events'],
  ['/doctor', 'Doctor'],
  ['/kb', 'Articles'],
];

/** What is around the content of a page. */
export interface Frame {
  /** The name of this server. */
  readonly server: string;
  readonly title: string;
  /** The path of the place in the navigation that the page belongs to. */
  readonly at?: string;
  /** What every form carries; undefined where nobody has logged in. */
  readonly formToken?: string;
  /** Seconds after which a browser asks again. */
  readonly refreshSeconds?: number;
}

/** A whole page. */
export function layout({ server, title, at, formToken, refreshSeconds }: Frame, content: Piece): string {
  const links = PLACES.map(
    ([path, words]) => html`<a href="${path}"${path === at ? html` aria-current="page"` : ''}>${words}</a>`,
  );
  const nav =
    formToken === undefined
      ? ''
      : html`<nav>${links}<form method="post" action="/logout">${hidden(formToken)}<button>Log out</button></form></nav>`;
  const refresh = refreshSeconds === undefined ? '' : html`<meta http-equiv="refresh" content="${refreshSeconds}">`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">${refresh}
<title>${title} - ${server}</title><link rel="stylesheet" href="/style.css"></head>
<body>${nav}<main><h1>${title}</h1>
${content}</main></body></html>
`.text;
}

/** What a form must carry so that it is taken for one of ours. */
export const hidden = (formToken: string): Html => html`<input type="hidden" name="form" value="${formToken}">`;

/** A table that a narrow screen can scroll. */
export function table(titles: readonly string[], rows: readonly (readonly Piece[])[]): Html {
  return html`<div class="wide"><table><thead><tr>${titles.map((title) => html`<th>${title}</th>`)}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}

/** A link to the article of an event. */
export const article = (number: number | string, words: Piece = `article ${number}`): Html =>
  html`<a href="/kb/${number}">${words}</a>`;
