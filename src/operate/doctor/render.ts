import { evidenceMax } from './limits.ts';
import type { DoctorReport } from './report.ts';
import { changeEvents, type KnownFinding } from './merge.ts';

/** What the screen does with text. */
export interface Screen {
  /** Marks words. */
  readonly paint: Paint;
  /** Takes out what a terminal would obey: banners and errors come from outside. */
  readonly plain: (text: string) => string;
}

const when = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;

const BLOCKED_NAMED_MAX = 4;

type Paint = (colour: 'red' | 'yellow' | 'green' | 'bold' | 'dim', text: string) => string;

function evidenceLines({ verdict }: KnownFinding, plain: Screen['plain']): readonly string[] {
  const rows = verdict.evidence
    .slice(0, evidenceMax)
    .map(({ what, expected, seen }) => plain(`  seen      ${what}: ${seen} (expected: ${expected})`));
  const more = verdict.evidence.length - rows.length;
  return more > 0 ? [...rows, `            and ${more} more: --json has all`] : rows;
}

function findingLines(finding: KnownFinding, { paint, plain }: Screen): readonly string[] {
  const { id, title, verdict } = finding;
  switch (verdict.kind) {
    case 'unhealthy':
      return [
        `${paint('red', 'unhealthy')}  ${paint('bold', id)}: ${title}`,
        // The number stands on the line of the cause: whoever passes on one line passes on both.
        `  cause     ${plain(verdict.cause)} (event ${verdict.event ?? changeEvents.found})`,
        ...evidenceLines(finding, plain),
        ...(finding.sinceMs === undefined
          ? []
          : [
              `  since     ${when(finding.sinceMs)}${finding.seenBy === undefined ? '' : ' (as the service saw it last; from here it cannot be seen)'}`,
            ]),
        `  cure      ${plain(verdict.cure)}`,
        ...(verdict.repair === undefined ? [] : [`  repair    ims repair ${id}`]),
        ...(verdict.event === undefined ? [] : [`  event     ${verdict.event}; more: ims kb ${verdict.event}`]),
      ];
    case 'broken':
      return [
        `${paint('red', 'broken')}     ${paint('bold', id)}: the check itself failed: ${plain(verdict.fault)}`,
        '  cure      Report this: it is a defect of this program',
      ];
    case 'unknown':
      return [`${paint('yellow', 'unknown')}    ${paint('bold', id)}: ${plain(verdict.because)}`];
    case 'blocked':
      return [];
    case 'not-applicable':
      return [`${paint('dim', 'not here')}   ${id}: ${plain(verdict.because)}`];
    case 'healthy':
      return [`${paint('green', 'healthy')}    ${id}: ${title}`];
  }
}

/** Most of them wait for the same: one line for each root. */
function blockedLines(findings: readonly KnownFinding[], paint: Paint): readonly string[] {
  const waiting = new Map<string, string[]>();
  for (const { id, verdict } of findings)
    if (verdict.kind === 'blocked') waiting.set(verdict.by, [...(waiting.get(verdict.by) ?? []), id]);
  return [...waiting].map(([by, ids]) => {
    const which = ids.length <= BLOCKED_NAMED_MAX ? ids.join(', ') : `${ids.length} checks`;
    return `${paint('dim', 'blocked')}    ${which}: ${ids.length === 1 ? 'waits' : 'wait'} for ${by}`;
  });
}

const ORDER = ['unhealthy', 'broken', 'unknown', 'blocked', 'not-applicable', 'healthy'] as const;

/** One screen: the verdict in a sentence, then everything that is not well; with `all`, everything. */
export function renderReport(report: DoctorReport, name: string, all: boolean, screen: Screen): readonly string[] {
  const { paint } = screen;
  const colour = report.verdict === 'well' ? 'green' : 'red';
  const lines = [`${paint('bold', name)}: ${paint(colour, report.sentence)} (${(report.tookMs / 1000).toFixed(1)} s)`];
  const shown = all ? ORDER : ORDER.slice(0, 4);
  for (const kind of shown) {
    const findings = report.findings.filter(({ verdict }) => verdict.kind === kind);
    if (kind === 'blocked') {
      lines.push(...blockedLines(findings, paint));
      continue;
    }
    for (const finding of findings) {
      if (kind === 'unhealthy' || kind === 'broken') lines.push('');
      lines.push(...findingLines(finding, screen));
      if (all && kind === 'healthy') lines.push(...evidenceLines(finding, screen.plain));
    }
  }
  return lines;
}
