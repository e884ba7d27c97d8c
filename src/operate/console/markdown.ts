/** As much of Markdown as articles are written in: paragraphs, lists, fenced blocks, tables; code, bold words and links. */
import { html, type Html, type Piece } from './html.ts';

const FENCE = '```';
const ITEM = /^( {0,8})(?:([-*])|(\d{1,3})\.) +(.*)$/;
/** Lists in lists; deeper ones stay where they are. */
const DEPTH_MAX = 4;

/** A text as HTML; everything in it is escaped. */
export function markdown(text: string): Html {
  return html`${blocks(text.split('\n'), 0)}`;
}

function blocks(lines: readonly string[], depth: number): readonly Piece[] {
  const out: Piece[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const from = at;
    if (line.trim() === '') at += 1;
    else if (line.trimStart().startsWith(FENCE)) {
      at += 1;
      while (at < lines.length && !(lines[at] ?? '').trimStart().startsWith(FENCE)) at += 1;
      out.push(html`<pre><code>${lines.slice(from + 1, at).join('\n')}</code></pre>`);
      at += 1;
    } else if (ITEM.test(line) && depth < DEPTH_MAX) {
      at = endOfList(lines, at);
      out.push(list(lines.slice(from, at), depth));
    } else if (line.startsWith('|')) {
      while ((lines[at] ?? '').startsWith('|')) at += 1;
      out.push(tableOf(lines.slice(from, at)));
    } else {
      at += 1;
      while (at < lines.length && goesOn(lines[at] ?? '', depth)) at += 1;
      out.push(html`<p>${inline(lines.slice(from, at).join(' '))}</p>`);
    }
  }
  return out;
}

/** Whether a line belongs to the paragraph before it. */
const goesOn = (line: string, depth: number): boolean =>
  line.trim() !== '' &&
  !line.trimStart().startsWith(FENCE) &&
  !line.startsWith('|') &&
  !(ITEM.test(line) && depth < DEPTH_MAX);

/** A list goes on with items and with what is indented below them. */
function endOfList(lines: readonly string[], start: number): number {
  let at = start + 1;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const next = lines[at + 1] ?? '';
    if (line.trim() === '' ? !/^ {2,}\S/.test(next) && !ITEM.test(next) : !/^ {2,}\S/.test(line) && !ITEM.test(line))
      break;
    at += 1;
  }
  return at;
}

function list(lines: readonly string[], depth: number): Html {
  const [, indent = '', bullet] = ITEM.exec(lines[0] ?? '') ?? [];
  const items: string[][] = [];
  for (const line of lines) {
    const match = ITEM.exec(line);
    if (match !== null && (match[1] ?? '').length <= indent.length) items.push([match[4] ?? '']);
    else items.at(-1)?.push(line.replace(/^ {1,3}/, ''));
  }
  const shown = items.map((item) => html`<li>${itemOf(item, depth)}</li>`);
  return bullet === undefined ? html`<ol>${shown}</ol>` : html`<ul>${shown}</ul>`;
}

/** An item of one paragraph needs none around it. */
function itemOf(lines: readonly string[], depth: number): Piece {
  return lines.every((line) => goesOn(line, depth))
    ? inline(lines.map((line) => line.trim()).join(' '))
    : blocks(lines, depth + 1);
}

function tableOf(lines: readonly string[]): Html {
  const cells = (line: string): readonly string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [head = '', , ...rows] = lines;
  return html`<div class="wide"><table><thead><tr>${cells(head).map((cell) => html`<th>${inline(cell)}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${cells(row).map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`)}</tbody></table></div>`;
}

const MARKS = /`([^`]{1,500})`|\*\*([^*]{1,500})\*\*|\[([^\]]{1,300})\]\(([^)\s]{1,300})\)/g;

/** Words with their marks; a link leads to another article, else to a place that a browser may open. */
export function inline(text: string): Piece {
  const out: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(MARKS)) {
    const [whole, code, bold, words, target = ''] = match;
    out.push(text.slice(at, match.index));
    at = match.index + whole.length;
    if (code !== undefined) out.push(html`<code>${code}</code>`);
    else if (bold !== undefined) out.push(html`<strong>${bold}</strong>`);
    else out.push(linkTo(target, words ?? ''));
  }
  out.push(text.slice(at));
  return out;
}

function linkTo(target: string, words: string): Html {
  const name = /^([\w-]{1,100})\.md$/.exec(target)?.[1];
  if (name !== undefined) return html`<a href="/kb/${name}">${inlineCode(words)}</a>`;
  return /^https:\/\//.test(target)
    ? html`<a href="${target}" rel="noreferrer">${inlineCode(words)}</a>`
    : html`${words} (${target})`;
}

const inlineCode = (words: string): Piece =>
  words.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
