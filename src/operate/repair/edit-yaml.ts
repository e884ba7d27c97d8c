import { isMap, isScalar, parseDocument, stringify, type Document } from 'yaml';
import type { SettingChange } from './step.ts';

/** An edited text, or why it could not be edited. */
export type Edited = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

function changeDocument(document: Document, { key, value }: SettingChange): string | undefined {
  if (value === undefined) return document.deleteIn(key) ? undefined : `there is no ${key.join('.')}`;
  const [first] = key;
  if (key.length > 1 && first !== undefined && !document.has(first)) {
    let inner: unknown = value;
    for (const part of key.slice(1).reverse()) inner = { [part]: inner };
    document.set(first, document.createNode(inner));
  } else document.setIn(key, document.createNode(value));
  return undefined;
}

function changeText(text: string, change: SettingChange): Edited {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) return { ok: false, why: `it is not valid YAML: ${error.message.split('\n', 1)[0]}` };
  if (document.contents !== null && !isMap(document.contents)) return { ok: false, why: 'it is not a section of keys' };
  const old = document.getIn(change.key, true);
  // One value for another: everything else stays octet for octet.
  if (
    isScalar(old) &&
    old.range &&
    old.anchor === undefined &&
    ['string', 'number', 'boolean'].includes(typeof change.value)
  ) {
    const [from, to] = old.range;
    return { ok: true, text: `${text.slice(0, from)}${stringify(change.value).trimEnd()}${text.slice(to)}` };
  }
  const why = changeDocument(document, change);
  return why === undefined ? { ok: true, text: document.toString({ lineWidth: 0 }) } : { ok: false, why };
}

/** Changes values of a YAML text; comments, order and all other values stay as they are. Pure. */
export function editYaml(text: string, changes: readonly SettingChange[]): Edited {
  let edited: Edited = { ok: true, text: text.replace(/^\ufeff/, '') };
  for (const change of changes) {
    if (!edited.ok) break;
    edited = changeText(edited.text, change);
  }
  return edited;
}

/** The text with line feeds only and without a byte order mark, as every other program reads it too. Pure. */
export function cleanText(text: string): string {
  return text.replace(/^\ufeff+/, '').replace(/\r\n?/g, '\n');
}
