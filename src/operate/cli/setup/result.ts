import type { DoctorReport } from '../../doctor/index.ts';
import type { PublishableRecord } from '../../records/index.ts';
import type { Answers } from '../../setup/index.ts';
import type { CliSession } from '../session.ts';
import { table } from '../table.ts';
import { plain } from '../text.ts';

/** What a set-up made. */
export interface SetUp {
  readonly file: string;
  /** What was there before, under its new name. */
  readonly kept: readonly string[];
  /** Shown once: the configuration has their hashes only. */
  readonly passwords: readonly { readonly mailbox: string; readonly password: string }[];
  readonly warnings: readonly string[];
  readonly records: readonly PublishableRecord[];
  readonly unit?: string;
  readonly doctor?: DoctorReport;
}

const NEEDS = { required: 'required', recommended: 'recommended', optional: 'optional' } as const;

function recordLines(session: CliSession, records: readonly PublishableRecord[]): readonly string[] {
  const lines = [session.paint('bold', 'Records to publish in the DNS')];
  for (const need of ['required', 'recommended', 'optional'] as const) {
    const some = records.filter((record) => record.need === need);
    if (some.length === 0) continue;
    lines.push(`  ${NEEDS[need]}:`);
    for (const { zoneLine, zone } of some)
      lines.push(`    ${plain(zoneLine)}${zone === 'provider' ? '   (ask the provider of the address)' : ''}`);
  }
  if (records.some(({ incomplete }) => incomplete === true))
    lines.push('  What stands in <angle brackets> only you can know.');
  return lines;
}

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** Shows what was made, and what to do next. */
export async function showSetUp(session: CliSession, made: SetUp, answers: Answers): Promise<void> {
  const { file, kept, passwords, warnings, records, unit, doctor } = made;
  session.print(`\n${session.paint('green', 'Written:')} ${file}`);
  for (const path of kept) session.print(`Kept as it was: ${path}`);
  for (const warning of warnings) session.print(`${session.paint('yellow', 'Note:')} ${plain(warning)}`);
  session.print(`\n${session.paint('bold', 'Passwords')} (shown only now; \`ims password\` makes the hash of another)`);
  session.print(
    table(
      [{ title: 'MAILBOX' }, { title: 'PASSWORD' }],
      passwords.map(({ mailbox, password }) => [mailbox, password]),
    ),
  );
  session.print('');
  for (const line of recordLines(session, records)) session.print(line);
  if (unit !== undefined) session.print(`\n${session.paint('bold', '/etc/systemd/system/ims.service')}\n${unit}`);
  if (doctor !== undefined) {
    const { renderReport } = await import('../../doctor/render.ts');
    session.print('');
    const screen = { plain, paint: (...words: Parameters<CliSession['paint']>): string => session.paint(...words) };
    for (const line of renderReport(doctor, plain(answers.hostname), false, screen)) session.print(line);
  }
  const option = ` --config ${quoted(file)}`;
  const first = answers.mailboxes[0] ?? '';
  session.print(`\n${session.paint('bold', 'Next')}
  ims run${option}
  ims send${option} --to ${first}     a first message, in a second terminal
  ims doctor${option}                 again, once it runs and the records are published`);
}
