const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|[\w$]+|\s+|[\s\S]/y;
const REGEX = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const TEMPLATE_PART = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;

/** After these a slash divides; after anything else it opens a regular expression. */
const ENDS_OPERAND = /^(?:[\w$]+|[)\]}'"`].*)$/s;
const KEYWORD = /^(?:return|typeof|case|in|of|void|delete|throw|await|yield|else|do)$/;

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
const hollow = (text: string): string => text.charAt(0) + blank(text.slice(1, -1)) + text.slice(-1);

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/**
 * Splits a TypeScript text into its code (comments and the insides of strings blanked) and its comments (everything else
 * blanked). Every character keeps its place. `depths` counts the open braces inside each open `${`, innermost last.
 */
export function split(text: string): { code: string; comments: string } {
  const code: string[] = [];
  const comments: string[] = [];
  const depths: number[] = [];
  let previous = '';
  let at = 0;
  const put = (inCode: string, inComments: string): void => {
    code.push(inCode);
    comments.push(inComments);
    at += inCode.length;
  };
  const template = (start: number): void => {
    const part = matchAt(TEMPLATE_PART, text, start) ?? text.slice(start);
    if (part.endsWith('${')) depths.push(0);
    previous = part.endsWith('${') ? '{' : '`';
    put(text.slice(at, start) + blank(part.slice(0, -1)) + part.slice(-1), blank(text.slice(at, start) + part));
  };
  while (at < text.length) {
    const open = depths.length - 1;
    const c = text.charAt(at);
    if (c === '}' && depths[open] === 0) {
      depths.pop();
      template(at + 1);
      continue;
    }
    if (c === '`') {
      template(at + 1);
      continue;
    }
    const divides = ENDS_OPERAND.test(previous) && !KEYWORD.test(previous);
    const regex = c === '/' && !divides ? matchAt(REGEX, text, at) : undefined;
    const token = regex ?? matchAt(TOKEN, text, at) ?? c;
    if (regex === undefined && (token.startsWith('//') || token.startsWith('/*'))) put(blank(token), token);
    else if (regex !== undefined || (token.length > 1 && /^['"]/.test(token))) put(hollow(token), blank(token));
    else put(token, blank(token));
    if (c === '{' && open >= 0) depths[open] = (depths[open] ?? 0) + 1;
    if (c === '}' && open >= 0) depths[open] = (depths[open] ?? 0) - 1;
    if (!/^\s|^\/[/*]/.test(token) || regex !== undefined) previous = regex === undefined ? token : '`';
  }
  return { code: code.join(''), comments: comments.join('') };
}
