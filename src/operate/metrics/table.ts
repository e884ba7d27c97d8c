/** One metric: its name is a promise to those who draw and alert on it, and is never given to something else. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** What is counted where it is a quantity; else things. */
  readonly unit: 'seconds' | 'bytes' | '';
  readonly help: string;
  /** Every label has few values: names of the configuration, words of the program; never a client, an address or a domain of others. */
  readonly labels: readonly string[];
}

const counter = <N extends string, L extends string = never>(
  name: N,
  help: string,
  labels: readonly L[] = [],
  unit: Metric['unit'] = '',
) => ({ name, type: 'counter' as const, unit, help, labels });

const gauge = <N extends string, L extends string = never>(
  name: N,
  help: string,
  labels: readonly L[] = [],
  unit: Metric['unit'] = '',
) => ({ name, type: 'gauge' as const, unit, help, labels });

/** Every metric, in the order in which they are shown. */
export const metrics = [
  gauge('ims_build_info', 'Always 1; the label tells the version that runs.', ['version']),
  gauge('ims_start_time_seconds', 'When the service started, since 1970.', [], 'seconds'),
  gauge('ims_uptime_seconds', 'How long the service runs.', [], 'seconds'),
  gauge('ims_ready', '1 while some listener accepts mail, else 0 (as /ready says).'),
  gauge('ims_configuration_generation', 'Raised with every configuration that is applied.'),
  gauge('ims_parts', 'Parts of the service by state (as `ims status --all` shows them).', ['state']),
  gauge('ims_conditions', 'Things that the checks hold for not well.'),
  gauge('ims_condition', 'Always 1; one for each thing not well, by the check that found it.', ['check', 'event']),
  gauge('ims_process_up', '1 for a process of the service that runs, else 0.', ['process']),
  counter('ims_process_restarts_total', 'How often a process had to be started again.', ['process']),
  gauge('ims_workers', 'Mail workers by what they do: running, or not.', ['state']),
  gauge('ims_workers_silent', 'Workers that did not answer; what they have to say is missing from the gauges.'),
  gauge(
    'ims_event_loop_lag_seconds',
    'How late a worker came last to what it does every five seconds.',
    ['process'],
    'seconds',
  ),
  counter('ims_events_total', 'Events told, by their number, also those that no level writes.', ['number', 'severity']),

  gauge('ims_listener_up', '1 while a listener accepts connections, else 0.', ['listener', 'address', 'port']),
  counter('ims_connections_accepted_total', 'Connections that became a session.', ['listener']),
  counter('ims_connections_refused_total', 'Connections that were turned away before a session.', ['listener']),
  gauge('ims_connections', 'Connections that are sessions now.', ['listener']),
  gauge('ims_sessions', 'Sessions that are open now.', ['profile']),
  gauge('ims_sessions_busy', 'Of them those that bring a message now.'),
  counter('ims_tls_handshakes_total', 'TLS handshakes with clients (in) and other hosts (out): done, failed.', [
    'side',
    'outcome',
  ]),
  counter('ims_logins_refused_total', 'Logins with a wrong name or password, or without a directory to ask.', ['why']),
  counter(
    'ims_commands_refused_total',
    'SMTP commands refused, by verb, for now (4yz) or for good (5yz), and subject of the status code (RFC 3463).',
    ['command', 'for', 'class'],
  ),
  counter('ims_messages_received_total', 'Messages accepted, by protocol (ESMTPS is under TLS, A with a login).', [
    'protocol',
  ]),
  counter('ims_message_received_bytes_total', 'Octets of the messages accepted.', [], 'bytes'),

  gauge('ims_queue_messages', 'Messages in the queue.'),
  gauge('ims_queue_deliveries', 'Deliveries (a message to a next hop) by state: waiting, active, held, quarantined.', [
    'state',
  ]),
  gauge('ims_queue_bytes', 'Octets of the messages in the queue.', [], 'bytes'),
  gauge('ims_queue_oldest_age_seconds', 'Age of the oldest message; 0 where there is none.', [], 'seconds'),
  gauge('ims_queue_next_hops', 'Next hops that mail waits for.'),
  gauge('ims_next_hops_resting', 'Next hops that are left alone for a while because they cannot be reached.'),
  gauge('ims_attempts_active', 'Attempts under way.'),

  counter('ims_attempts_total', 'Attempts, by route: local, mx, or smart-host with its name.', ['route', 'name']),
  counter('ims_deliveries_total', 'Recipients by what became of them in an attempt: delivered, deferred, failed.', [
    'route',
    'name',
    'outcome',
  ]),
  counter(
    'ims_message_sent_bytes_total',
    'Octets of the messages that were delivered, one for each attempt.',
    ['route', 'name'],
    'bytes',
  ),
  counter('ims_reports_total', 'Reports to senders: failed (bounces), delayed, delivered.', ['kind']),

  gauge('ims_transport_up', '1 while a way out or in works, else 0: direct, a proxy, a gateway, a smart host.', [
    'kind',
    'name',
  ]),
  gauge('ims_transport_paused', '1 while mail does not ask it because it failed, else 0.', ['kind', 'name']),
  gauge('ims_transport_connections', 'Connections through it now; gateways only.', ['kind', 'name']),
  counter(
    'ims_transport_dials_total',
    'Connections asked of it, by how they came out: open, unreachable (the far host), failed (itself).',
    ['kind', 'name', 'outcome'],
  ),
  gauge(
    'ims_transport_last_failure_timestamp_seconds',
    'When it failed last, since 1970; 0 for never.',
    ['kind', 'name'],
    'seconds',
  ),
  gauge('ims_gateway_ports', 'Ports on a gateway by state: bound, failed, waiting.', ['name', 'state']),

  counter('ims_dns_queries_total', 'Questions asked of name servers.', ['server']),
  counter('ims_dns_failures_total', 'Of them those without a usable answer.', ['server']),
  counter(
    'ims_dns_lookups_total',
    'Look-ups of the service, answers that were kept included: records, none, failure.',
    ['outcome'],
  ),

  gauge('ims_disk_free_bytes', 'Space left for the data directory.', [], 'bytes'),
  gauge('ims_disk_free_inodes', 'Files that can still be made there.'),
] as const;

type Row = (typeof metrics)[number];
/** The name of a metric. */
export type MetricName = Row['name'];
/** The name of one that only grows. */
export type CounterName = Extract<Row, { type: 'counter' }>['name'];
/** The values of its labels, by their declaration. */
export type LabelsOf<N extends MetricName> = Readonly<Record<Extract<Row, { name: N }>['labels'][number], string>>;
