import { inline } from './explain.ts';
import { allSettings, type Setting } from './shape.ts';
import { allowed } from './words.ts';

const WIDTH = 118;

function comment(indent: string, text: string): string[] {
  const out: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + word.length + 3 > WIDTH) {
      out.push(`${indent}# ${line}`);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${word}`;
  }
  return line === '' ? out : [...out, `${indent}# ${line}`];
}

function field(name: string, setting: Setting, indent: string): string[] {
  const { shape, meta, text } = setting;
  if (shape.kind === 'section')
    return [...comment(indent, text), `${indent}${name}:`, ...section(setting, `${indent}  `, setting.default)];
  const restart = meta.reload === 'restart' ? ' (restart)' : '';
  const lines = comment(indent, `${text} Allowed: ${allowed(shape)}.${restart}`);
  if (setting.default !== undefined) return [...lines, `${indent}${name}: ${inline(setting.default)}`];
  return [...lines, `${indent}# ${name}:${meta.example === undefined ? '' : ` ${inline(meta.example)}`}`];
}

function section(setting: Setting, indent: string, defaults: unknown): string[] {
  if (setting.shape.kind !== 'section') return [];
  const own = typeof defaults === 'object' && defaults !== null ? (defaults as Readonly<Record<string, unknown>>) : {};
  return [...setting.shape.fields].flatMap(([name, below]) =>
    field(name, Object.hasOwn(own, name) ? { ...below, default: own[name] } : below, indent),
  );
}

const OWN: Readonly<Record<string, readonly string[]>> = {
  listeners: [
    'listeners:',
    '  mx: { profile: mx, port: 25 }',
    '  submission: { profile: submission, port: 587 }',
    '  submissions: { profile: submission, port: 465, tls: implicit }',
  ],
  domains: [
    'domains:',
    '  example.com:',
    '    mailboxes:',
    "      alice: { } # password: '...' as printed by `ims password`",
    '    aliases:',
    '      postmaster: alice',
  ],
};

/**
 * A configuration file with every setting at its default, each with its description, and one domain to begin with. It
 * loads as it is.
 */
export function exampleConfiguration(): string {
  const lines = [
    '# Configuration of the Internet Mail Service. Every setting stands here with its default; leave out what you do not change.',
    '# `ims config check` checks this file, `ims config explain KEY` explains a key.',
    '',
  ];
  const { shape } = allSettings();
  if (shape.kind !== 'section') return '';
  for (const [name, setting] of shape.fields) {
    const own = OWN[name];
    if (own !== undefined) lines.push(...comment('', setting.text), ...own);
    else if (name === 'server')
      lines.push(...field(name, setting, '').map((line) => line.replace('  # name:', '  name:')));
    else lines.push(...field(name, setting, ''));
    lines.push('');
  }
  return lines.join('\n');
}
