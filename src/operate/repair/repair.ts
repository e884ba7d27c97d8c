import type { HostChanges } from '../../world/ports/host-changes.ts';
import type { Parts } from '../doctor/check.ts';
import type { Finding } from '../doctor/run.ts';
import type { Plan } from './step.ts';

/** What a repair may look at while it plans. Nothing here writes. */
export interface RepairParts {
  readonly parts: Partial<Parts>;
  /** What the check found; absent where a repair was asked for by its own id. */
  readonly finding: Finding | undefined;
  /** It was asked for by its own id. */
  readonly byName?: true;
  readonly changes: Pick<HostChanges, 'entry' | 'socketAnswers'>;
  /** The configuration file as it stands. */
  readonly configuration: { readonly path: string; readonly text: string | undefined };
}

/** A cure that the program may carry out, once somebody agreed. */
export interface Repair {
  /** 'area.action'. */
  readonly id: string;
  /** What it does, in one sentence. */
  readonly title: string;
  /** Checks whose findings it may cure. */
  readonly checks: readonly string[];
  /** The check that says whether it worked, where it was asked for by its own id. */
  readonly provenBy: string;
  /** How long the proof may take, where the cure does not work at once. */
  readonly patienceMs?: number;
  /** It is of use only after the others. */
  readonly last?: true;
  /** Events that it is for although no check is unhealthy. */
  readonly events?: readonly number[];
  /** It gives something up for good: done only when it is asked for by its id. The text says what to try first. */
  readonly onlyByName?: string;
  plan(given: RepairParts): Promise<Plan>;
}

/** The exact text is all that can be given. */
export const person = (text: string): Plan => ({ kind: 'person', text });

/** There is nothing to change. */
export const nothing = (because: string): Plan => ({ kind: 'nothing', because });

/** Whether systemd runs this host. */
export async function hasSystemd({ parts }: Pick<RepairParts, 'parts'>): Promise<boolean> {
  return (await parts.host?.file('/run/systemd/system'))?.ok === true;
}

/** Steps, and what they do in one sentence. */
export const steps = (
  summary: string,
  ...list: readonly Extract<Plan, { kind: 'steps' }>['steps'][number][]
): Plan => ({
  kind: 'steps',
  summary,
  steps: list,
});

/** What the check says to a person. */
export function cureOf({ finding }: Pick<RepairParts, 'finding'>): string {
  return finding?.verdict.kind === 'unhealthy' ? finding.verdict.cure : 'ims doctor says what to do';
}

/** Whether this process is root, or has a capability by its number. */
export async function hasRight({ parts }: Pick<RepairParts, 'parts'>, capability: bigint): Promise<boolean> {
  const status = await parts.host?.text('/proc/self/status');
  const effective = status?.ok === true ? (/^CapEff:\s*([0-9a-f]+)/m.exec(status.value)?.[1] ?? '0') : '0';
  return ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n;
}

/** The last step of a plan that changed the configuration: a running service takes it. */
export async function reloadIfRunning({
  parts,
}: Pick<RepairParts, 'parts'>): Promise<
  readonly [{ readonly do: 'ask-service'; readonly action: 'reload' }] | readonly []
> {
  const answer = await parts.service?.ask();
  return answer?.kind === 'running' ? [{ do: 'ask-service', action: 'reload' }] : [];
}
