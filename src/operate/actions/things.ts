/** What is not well, as every screen shows it: parts, and what the checks found. */
import type { QueueCounts } from '../../flow/queue/port.ts';
import type { Condition } from '../doctor/condition.ts';
import type { Evidence } from '../doctor/verdict.ts';
import type { Movement } from '../movement/history.ts';
import type { TransferState } from '../transfer/state.ts';
import type { PartState, ServiceStatus } from './context.ts';
import type { TransportState } from './transports.ts';
import { isWell, unexplained } from './verdict.ts';

/** What the action `status` answers. */
export interface StatusResult extends ServiceStatus {
  readonly name: string;
  readonly domains: readonly string[];
  readonly nowMs: number;
  readonly upMs: number;
  readonly conditions: readonly Condition[];
  /** Every way out and in: direct, proxies, gateways, smart hosts. */
  readonly transports: readonly TransportState[];
  readonly queue: QueueCounts;
  /** Rates of the last hour; `text` is the forecast, '' where there is nothing to say. */
  readonly movement: Movement & { readonly text: string };
  /** Whether mail is taken and sent, by order. */
  readonly transfer: TransferState;
  readonly missing: readonly string[];
}

/** Rows of evidence that are shown of one thing. */
const EVIDENCE_MAX = 6;

/** Something that is not well, as it is shown. */
export interface Thing {
  readonly title: string;
  readonly cause: string;
  readonly sinceMs: number;
  /** What was seen that was not expected. */
  readonly evidence: readonly Evidence[];
  readonly cures: readonly string[];
  readonly article: number | undefined;
  /** What found it, where no event tells of it. */
  readonly check?: string;
}

/** Everything that is not well, the worst first; what a part and a check both tell of once. */
export function thingsOf({ parts, conditions }: Pick<StatusResult, 'parts' | 'conditions'>): readonly Thing[] {
  const wrong = parts.filter((one) => !isWell(one));
  return [...wrong.map((part) => thingOf(part, conditions)), ...unexplained(parts, conditions).map(found)];
}

/** Ways that fail and are no part of the service, of which the screen has told already. */
export function pausedWays({ transports }: Pick<StatusResult, 'transports'>): readonly TransportState[] {
  return transports.filter(({ kind, state }) => state === 'paused' && (kind === 'direct' || kind === 'smart-host'));
}

/** A part; what a check found out about the same event is the deeper cause. */
function thingOf(
  { part, state, cause, sinceMs, evidence = [], cure, event }: PartState,
  conditions: readonly Condition[],
): Thing {
  const deeper = conditions.find((one) => event !== undefined && one.event === event);
  return {
    title: `${part}: ${state}`,
    cause: deeper?.cause ?? cause ?? '',
    sinceMs,
    evidence: unexpected(deeper?.evidence ?? evidence),
    cures: deeper === undefined ? (cure === undefined ? [] : [cure]) : curesOf(deeper),
    article: event,
  };
}

function found(condition: Condition): Thing {
  const { check, cause, sinceMs, evidence, event } = condition;
  const cures = curesOf(condition);
  return { title: check, cause, sinceMs, evidence: unexpected(evidence), cures, article: event, check };
}

const unexpected = (evidence: readonly Evidence[]): readonly Evidence[] =>
  evidence.filter((row) => row.expected !== row.seen).slice(0, EVIDENCE_MAX);

function curesOf({ check, cure, repair }: Condition): readonly string[] {
  return repair === undefined ? [cure] : [`ims repair ${check}`, cure];
}
