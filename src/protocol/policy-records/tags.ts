import { recordMax, tagsMax } from './limits.ts';

/** Reads 'name=value; name=value' as DKIM, DMARC and their kin write it (RFC 6376 §3.2); undefined where it is not that. */
export function parseTags(text: string): ReadonlyMap<string, string> | undefined {
  if (text.length > recordMax) return undefined;
  const parts = text.split(';').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  if (parts.length > tagsMax) return undefined;
  const tags = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals)).trim().toLowerCase();
    if (!/^[a-z][a-z0-9_-]*$/.test(name) || tags.has(name)) return undefined;
    tags.set(name, part.slice(equals + 1).trim());
  }
  return tags;
}
