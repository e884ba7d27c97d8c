import { facts, settingsBelow, type Explained } from './explain.ts';
import { allSettings } from './shape.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function row(one: Explained): string {
  const known = new Map(facts(one));
  const standard = known.get('Standard');
  const example = known.get('Example');
  const text = [
    one.setting.text,
    standard === undefined ? '' : `${standard}.`,
    example === undefined ? '' : `Example: \`${example}\`.`,
  ]
    .filter((part) => part !== '')
    .join(' ');
  const restart = one.setting.meta.reload === 'restart' ? 'restart' : 'reload';
  const isSection = one.setting.shape.kind === 'section';
  return `| \`${one.path}\` | ${cell(text)} | ${isSection ? 'a section' : cell(known.get('Allowed') ?? '')} | ${isSection ? '' : cell(known.get('Default') ?? '')} | ${restart} |`;
}

/** The reference page of all settings, as Markdown. */
export function referencePage(): string {
  const { shape } = allSettings();
  if (shape.kind !== 'section') return '';
  const lines = [
    '# Configuration reference',
    '',
    'Generated from `src/settings/` by `ims config reference`; do not edit by hand.',
    '',
    'One YAML file holds the configuration. `ims config check` names everything that is wrong with it at once; `ims config explain KEY` prints one entry of this page.',
    'Names in angle brackets are of your choice. The last column says when a change takes effect: at `ims reload`, or at a restart.',
    '',
  ];
  for (const [name, setting] of shape.fields) {
    lines.push(
      `## ${name}`,
      '',
      setting.text,
      '',
      '| Key | Meaning | Allowed | Default | Change |',
      '|---|---|---|---|---|',
    );
    lines.push(...settingsBelow(name, setting).map(row), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
