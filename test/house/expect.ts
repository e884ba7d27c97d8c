import { AssertionError } from 'node:assert/strict';
import { exemptions } from './exemptions.ts';
import type { Finding } from './source.ts';

/** Fails with every finding of a rule that is not exempted, and with every exemption that is no longer needed. */
export function expectNone(rule: string, findings: readonly Finding[], accepted = exemptions[rule] ?? []): void {
  const covers = (finding: Finding) =>
    accepted.find((one) => one.path === finding.path && finding.what.includes(one.contains));
  const used = new Set(findings.map(covers));
  const lines = findings
    .filter((finding) => covers(finding) === undefined)
    .map((finding) => `${finding.path}:${finding.line}: ${finding.what}`);
  const stale = accepted
    .filter((one) => !used.has(one))
    .map((one) => `${one.path}: the exemption "${one.contains}" is no longer needed`);
  if (lines.length + stale.length === 0) return;
  const error = new AssertionError({ message: [`${rule}:`, ...lines, ...stale].join('\n') });
  error.stack = error.message;
  throw error;
}

/** The sentences of findings, for a rule's own test. */
export const sentences = (findings: readonly Finding[]): string[] =>
  findings.map((finding) => `${finding.line}: ${finding.what}`);
