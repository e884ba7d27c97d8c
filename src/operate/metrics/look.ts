import type { QueueCounts } from '../../flow/queue/port.ts';
import type { OperatorContext, PartState } from '../actions/context.ts';
import { joinTransports, type TransportState } from '../actions/transports.ts';
import { acceptsMail } from '../actions/verdict.ts';
import { addCountRecords, type Sample, samplesOf } from './counts.ts';
import type { WorkerMeasure } from './measures.ts';
import type { LabelsOf, MetricName } from './table.ts';

/** What a look at the metrics needs. */
export type MetricsContext = Pick<OperatorContext, 'supervisor' | 'conditions' | 'settings' | 'clock'> & {
  readonly disk: Pick<OperatorContext['disk'], 'space'>;
};

/** Conditions and listeners that are shown one by one. */
const EACH_MAX = 500;

/** Everything that is measured now. */
export async function lookAtMetrics(context: MetricsContext): Promise<readonly Sample[]> {
  const { supervisor, settings, disk } = context;
  const [status, measures, space] = await Promise.all([
    supervisor.status(),
    supervisor.measures(),
    disk.space(settings().server.data).catch(() => undefined), // where it cannot be read, the parts say why
  ]);
  const { workers, silent, counts } = measures;
  const samples = [
    ...service(context, status),
    sample('ims_workers_silent', {}, silent),
    ...workers.map(({ worker, lateMs }) =>
      sample('ims_event_loop_lag_seconds', { process: `worker ${worker}` }, lateMs / 1000),
    ),
    ...samplesOf(counts),
    ...sessions(workers),
    ...queue(workers, context.clock.wall()),
    ...transports(joinTransports(workers.map((one) => one.transports))),
  ];
  if (space === undefined) return samples;
  const { freeBytes, freeInodes } = space;
  return [...samples, sample('ims_disk_free_bytes', {}, freeBytes), sample('ims_disk_free_inodes', {}, freeInodes)];
}

function sample<N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): Sample {
  return { name, labels, value };
}

function service(
  { clock, conditions }: MetricsContext,
  status: Awaited<ReturnType<MetricsContext['supervisor']['status']>>,
): readonly Sample[] {
  const { version, startedAtMs, parts, generation, processes, listeners } = status;
  const running = processes.filter(({ role, state }) => role === 'worker' && state === 'running').length;
  const all = processes.filter(({ role }) => role === 'worker').length;
  return [
    sample('ims_build_info', { version }, 1),
    sample('ims_start_time_seconds', {}, startedAtMs / 1000),
    sample('ims_uptime_seconds', {}, Math.max(0, clock.wall() - startedAtMs) / 1000),
    sample('ims_ready', {}, acceptsMail(parts) ? 1 : 0),
    sample('ims_configuration_generation', {}, generation),
    ...(['running', 'starting', 'stopped', 'degraded', 'failed'] satisfies PartState['state'][]).map((state) =>
      sample('ims_parts', { state }, parts.filter((one) => one.state === state).length),
    ),
    sample('ims_conditions', {}, conditions().length),
    ...conditions()
      .slice(0, EACH_MAX)
      .map(({ check, event }) =>
        sample('ims_condition', { check, event: event === undefined ? '' : String(event) }, 1),
      ),
    ...processes.flatMap(({ role, index, state, restarts }) => {
      const process = role === 'worker' ? `worker ${index}` : role;
      return [
        sample('ims_process_up', { process }, state === 'running' ? 1 : 0),
        sample('ims_process_restarts_total', { process }, restarts),
      ];
    }),
    sample('ims_workers', { state: 'running' }, running),
    sample('ims_workers', { state: 'down' }, all - running),
    ...listeners
      .slice(0, EACH_MAX)
      .map(({ name, address, port, state }) =>
        sample('ims_listener_up', { listener: name, address, port: String(port) }, state === 'listening' ? 1 : 0),
      ),
  ];
}

function sessions(workers: readonly WorkerMeasure[]): readonly Sample[] {
  const total = (of: (one: WorkerMeasure) => number): number => workers.reduce((sum, one) => sum + of(one), 0);
  const open = addCountRecords(workers.map((one) => one.open));
  return [
    ...Object.entries(open).map(([listener, value]) => sample('ims_connections', { listener }, value)),
    ...(['mx', 'submission', 'lmtp'] as const).map((profile) =>
      sample(
        'ims_sessions',
        { profile },
        total((one) => one.sessions.byProfile[profile]),
      ),
    ),
    sample(
      'ims_sessions_busy',
      {},
      total((one) => one.sessions.busy),
    ),
    sample(
      'ims_next_hops_resting',
      {},
      total((one) => one.resting),
    ),
    sample(
      'ims_attempts_active',
      {},
      total((one) => one.attempts),
    ),
  ];
}

function queue(workers: readonly WorkerMeasure[], nowMs: number): readonly Sample[] {
  const total = (key: Exclude<keyof QueueCounts, 'oldestArrivalMs'>): number =>
    workers.reduce((sum, one) => sum + one.queue[key], 0);
  const oldest = workers.flatMap((one) => one.queue.oldestArrivalMs ?? []);
  const states = { active: total('claimed'), held: total('held'), quarantined: total('quarantined') };
  const waiting = Math.max(0, total('deliveries') - states.active - states.held - states.quarantined);
  return [
    sample('ims_queue_messages', {}, total('messages')),
    ...Object.entries({ waiting, ...states }).map(([state, value]) => sample('ims_queue_deliveries', { state }, value)),
    sample('ims_queue_bytes', {}, total('bytes')),
    sample(
      'ims_queue_oldest_age_seconds',
      {},
      oldest.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...oldest)) / 1000,
    ),
    sample('ims_queue_next_hops', {}, total('nextHops')),
  ];
}

function transports(states: readonly TransportState[]): readonly Sample[] {
  return states.flatMap((one) => {
    const { kind, name, state, failedMs = 0, connections, ports } = one;
    const labels = { kind, name };
    return [
      sample('ims_transport_up', labels, state === 'well' || state === 'unused' ? 1 : 0),
      sample('ims_transport_paused', labels, state === 'paused' ? 1 : 0),
      sample('ims_transport_last_failure_timestamp_seconds', labels, failedMs / 1000),
      ...(connections === undefined ? [] : [sample('ims_transport_connections', labels, connections)]),
      ...(kind !== 'gateway'
        ? []
        : (['bound', 'failed', 'waiting'] as const).map((is) =>
            sample('ims_gateway_ports', { name, state: is }, (ports ?? []).filter((port) => port.state === is).length),
          )),
    ];
  });
}
