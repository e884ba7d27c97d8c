import { Option, type Command } from 'commander';
import type { Proposal, RepairEnd } from '../../repair/index.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { count, plain } from '../text.ts';

interface RepairOptions {
  readonly preview?: boolean;
  readonly yes?: boolean;
}

/** What became of one proposal. */
interface Outcome {
  readonly check: string;
  readonly repair: string | undefined;
  readonly kind: RepairEnd['kind'] | 'planned' | 'person' | 'nothing';
  readonly steps?: readonly string[];
  readonly text: string;
  readonly snapshot?: string | undefined;
}

function proposalLines(session: CliSession, proposal: Proposal, words: (step: never) => string): readonly string[] {
  const { check, repair, plan, finding } = proposal;
  const cause = finding?.verdict.kind === 'unhealthy' ? [`  cause     ${plain(finding.verdict.cause)}`] : [];
  const head = session.paint('bold', check);
  if (plan.kind === 'steps')
    return [
      `${head}: ${repair?.id ?? ''}`,
      ...cause,
      `  repair    ${plain(plan.summary)}`,
      ...plan.steps.map((step, index) => `  step ${index + 1}    ${plain(words(step as never))}`),
    ];
  if (plan.kind === 'nothing') return [`${head}: nothing to do: ${plain(plan.because)}`];
  const [first = '', ...more] = plan.text.split('\n').map(plain);
  return [
    `${head}: only a person can do this`,
    ...cause,
    `  do        ${first}`,
    ...more.map((line) => `            ${line}`),
    `  then      ims doctor --watch ${check}   says when it has taken effect`,
  ];
}

/** A step that this user may not do. */
const NOT_PERMITTED = /\((?:EACCES|EPERM)\)/;

const END_WORDS: Readonly<Record<RepairEnd['kind'], string>> = {
  cured: 'cured',
  further: 'a step further',
  undone: 'undone',
  failed: 'failed',
  'not-undone': 'could not be undone',
};

function endText(end: RepairEnd): string {
  switch (end.kind) {
    case 'cured':
      return `It is well now. What was before is in ${end.snapshot}`;
    case 'further':
      return `What it was for is gone; now: ${end.seen}`;
    case 'undone':
      return `It did not help (${end.seen}); everything is as it was before`;
    case 'failed':
      return `${end.step}: ${end.why}; everything is as it was before`;
    case 'not-undone':
      return `Undoing it failed at ${end.what}: ${end.why}. What was before is in ${end.snapshot}`;
  }
}

function exitCodeOf(outcomes: readonly Outcome[]): number {
  const has = (...kinds: readonly Outcome['kind'][]): boolean => outcomes.some(({ kind }) => kinds.includes(kind));
  if (outcomes.some(({ kind, text }) => kind === 'failed' && NOT_PERMITTED.test(text))) return exitCodes.notPermitted;
  if (has('failed', 'undone', 'not-undone')) return exitCodes.failed;
  return has('planned', 'person', 'further') ? exitCodes.negative : exitCodes.ok;
}

async function agreed(session: CliSession, repairs: number): Promise<boolean> {
  const { stdin } = session.io;
  if (stdin.isTTY !== true) return false;
  const { Prompt } = await import('../prompt.ts');
  const prompt = new Prompt(session.io);
  const answer = await prompt.confirm(`Carry out ${count(repairs, 'repair')}?`, false);
  await prompt.end();
  return answer === true;
}

async function runRepair(session: CliSession, command: Command, what: string | undefined): Promise<void> {
  const options = globals<RepairOptions>(command);
  const path = await findConfigurationFile(session.io, options.config);
  if (path === undefined) return session.fail(exitCodes.usage, noConfigurationText(), command);
  const { openBench, wanted } = await import('../../repair/bench.ts');
  const { stepInWords } = await import('../../repair/index.ts');
  const bench = await openBench(session.io, path, options.socket);
  if (typeof bench === 'string') return session.fail(exitCodes.failed, bench, command);
  const target = wanted(what);
  if (target === undefined)
    return session.fail(exitCodes.usage, `there is no event, check or repair ${plain(what ?? '')}`, command);
  const outcomes: Outcome[] = [];
  const say = (line: string): void => {
    if (options.json !== true) session.print(line);
  };
  try {
    let proposals = await bench.propose(target);
    const planned = (): readonly Proposal[] => proposals.filter(({ plan }) => plan.kind === 'steps');
    for (const proposal of proposals) for (const line of proposalLines(session, proposal, stepInWords)) say(line);
    if (proposals.length === 0)
      say(`Nothing is wrong that can be seen${what === undefined ? '' : ` by ${plain(what)}`}.`);
    const go =
      planned().length > 0 &&
      options.preview !== true &&
      (options.yes === true || (await agreed(session, planned().length)));
    for (const { check, repair, plan } of proposals) {
      if (plan.kind === 'steps' && go) continue;
      const steps = plan.kind === 'steps' ? plan.steps.map(stepInWords) : undefined;
      const text = plan.kind === 'steps' ? plan.summary : plan.kind === 'person' ? plan.text : plan.because;
      const kind = plan.kind === 'steps' ? 'planned' : plan.kind;
      outcomes.push({ check, repair: repair?.id, kind, text, ...(steps === undefined ? {} : { steps }) });
    }
    const tried = new Set<string>();
    while (go) {
      const left = planned().filter(({ check, plan }) => !tried.has(keyOf(check, plan)));
      const next = left.find(({ repair }) => repair?.last !== true) ?? left[0];
      if (next === undefined || next.plan.kind !== 'steps' || next.repair === undefined) break;
      tried.add(keyOf(next.check, next.plan));
      const end = await bench.execute(next, next.plan.steps);
      const colour = end.kind === 'cured' ? 'green' : end.kind === 'further' ? 'yellow' : 'red';
      say(`${session.paint(colour, END_WORDS[end.kind])}  ${next.repair.id}: ${plain(endText(end))}`);
      outcomes.push({
        check: next.check,
        repair: next.repair.id,
        kind: end.kind,
        steps: next.plan.steps.map(stepInWords),
        text: endText(end),
        snapshot: end.snapshot,
      });
      // One repair may have cured more, or uncovered what was behind it.
      proposals = await bench.propose(target);
    }
    if (go) settle(outcomes, proposals, say, session, stepInWords);
    const mended = outcomes.filter(({ kind }) => kind === 'cured' || kind === 'further');
    if (mended.length > 0) await bench.lookAgain(mended.map(({ check }) => check));
    if (!go && planned().length > 0)
      say(options.preview === true ? 'Nothing was changed.' : 'Nothing was changed: add --yes to carry this out.');
  } finally {
    await bench.close();
  }
  session.code = exitCodeOf(outcomes);
  if (session.code === exitCodes.notPermitted)
    say(`This user may not do that. As root: ims repair${what === undefined ? '' : ` ${what}`} --yes --config ${path}`);
  if (options.json === true) session.json({ outcomes, exitCode: session.code });
}

const keyOf = (check: string, plan: Proposal['plan']): string => `${check} ${JSON.stringify(plan)}`;

/** What is still not well after repairs that went a step further. */
function settle(
  outcomes: Outcome[],
  left: readonly Proposal[],
  say: (line: string) => void,
  session: CliSession,
  words: (step: never) => string,
): void {
  for (const [index, outcome] of outcomes.entries())
    if (outcome.kind === 'further' && !left.some(({ check }) => check === outcome.check))
      outcomes[index] = { ...outcome, kind: 'cured' };
  // What a repair cured on the way is not left to a person.
  const cured = outcomes.filter(({ check, kind }) => kind === 'person' && !left.some((one) => one.check === check));
  for (const outcome of cured) outcomes.splice(outcomes.indexOf(outcome), 1);
  for (const proposal of left) {
    if (
      proposal.plan.kind !== 'person' ||
      outcomes.some(({ check, kind }) => check === proposal.check && kind === 'person')
    )
      continue;
    for (const line of proposalLines(session, proposal, words)) say(line);
    outcomes.push({ check: proposal.check, repair: proposal.repair?.id, kind: 'person', text: proposal.plan.text });
  }
}

/** repair. */
export function repairCommands(root: Command, session: CliSession): void {
  root
    .command('repair')
    .description(
      'cure what doctor finds: shows each step, records what it will touch, looks again, and undoes what did not help',
    )
    .argument(
      '[what]',
      'number of an event, id of a check or an area, or id of a repair; without it everything that is not well',
    )
    .addOption(new Option('--preview', 'show what would be done, and change nothing'))
    .addOption(new Option('--yes', 'carry it out without asking'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims repair --preview\n  ims repair 4752 --yes\n  ims repair storage.data-directory\n  ims repair --yes --json | jq .outcomes\n\nWorks while the service runs and while it does not; most repairs of the host need root. Exit code: 0 everything is well or was cured, 1 something is left to do (nothing was agreed to, or only a person can), 4 a repair was not permitted, 5 a repair failed and was undone.',
    )
    .action((what: string | undefined, _options: unknown, command: Command) => runRepair(session, command, what));
}
