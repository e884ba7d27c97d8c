import type { ListenerStatus, PartState, ProcessStatus, ServiceStatus } from '../../operate/actions/context.ts';
import { verdictOf, worstFirst } from '../../operate/actions/verdict.ts';
import type { Condition } from '../../operate/doctor/condition.ts';
import type { SupervisorStatus } from '../supervisor/answers.ts';
import { VERSION } from '../version.ts';

/** What the supervisor says, in the words of `ims status`. */
export function serviceStatus(status: SupervisorStatus, conditions: readonly Condition[]): ServiceStatus {
  const { startedAtMs, configuration, generation, parts } = status;
  const accepting = status.processes.some(({ role, state }) => role === 'worker' && state === 'ready');
  const processes: readonly ProcessStatus[] = status.processes.map(({ role, index, pid, state, restarts }) => ({
    role: role as 'worker' | 'operator',
    index,
    pid,
    ...processState(role, index, state, parts),
    restarts,
  }));
  const listeners: readonly ListenerStatus[] = status.listeners.map(
    ({ name, profile, address, port, tls, state, problem }) => {
      const why = problem ?? (accepting ? undefined : 'no worker accepts');
      return {
        name,
        profile: profile as 'mx' | 'submission' | 'lmtp',
        address,
        port,
        tls: tls as 'none' | 'starttls' | 'implicit' | 'required',
        state: state === 'bound' && accepting ? ('listening' as const) : ('waiting' as const),
        ...(why === undefined ? {} : { why }),
      };
    },
  );
  const degraded = [
    ...listeners.flatMap(({ name, why }) => (why === undefined ? [] : [{ part: `listener ${name}`, why }])),
    ...processes.flatMap(({ role, index, state, why }) =>
      state === 'running' ? [] : [{ part: `${role} ${index}`, why: why ?? `is ${state}` }],
    ),
    // Every process runs, and yet no mail is taken.
    ...parts.flatMap(({ part, state, cause = 'has failed' }) =>
      state === 'failed' && /^(?:storage|queue of worker \d+)$/.test(part) ? [{ part, why: cause }] : [],
    ),
  ];
  return {
    version: VERSION,
    verdict: verdictOf(parts, conditions),
    parts: worstFirst(parts),
    startedAtMs,
    configurationFile: configuration,
    generation,
    listeners,
    processes,
    degraded,
  };
}

function processState(
  role: string,
  index: number,
  state: string,
  parts: readonly PartState[],
): Pick<ProcessStatus, 'state' | 'why'> {
  if (state === 'stopping') return { state };
  // One that waits for its storage does not merely start.
  const said = parts.find(({ part }) => part === (role === 'worker' ? `worker ${index}` : role));
  if (state === 'ready' && said?.state !== 'failed') return { state: 'running' };
  if (state === 'starting' && said?.state !== 'stopped') return { state };
  return { state: 'down', ...(said?.cause === undefined ? {} : { why: said.cause }) };
}
