/** What checks look at, for tests of single ones: a configuration as text, a pretended host, a service that says what it is told. */
import { loadConfiguration } from '../../src/operate/config/index.ts';
import type { Check, Parts } from '../../src/operate/doctor/check.ts';
import type { ServiceAnswer } from '../../src/operate/doctor/parts.ts';
import type { Verdict } from '../../src/operate/doctor/verdict.ts';
import type { Settings } from '../../src/settings/index.ts';
import { zoneResolver } from '../../src/world/sim/resolver.ts';
import { ManualClock } from './manual-clock.ts';
import { pretendedHost, type PretendedFacts } from './pretended-host.ts';

/** A valid configuration with more lines. */
export function settingsOf(more = '', listener = '{ profile: mx, address: 127.0.0.1, port: 2525 }'): Settings {
  const server = more.includes('server:') ? '' : 'server: { name: mail.example.test, data: /srv/ims }\n';
  const listeners = more.includes('listeners:') ? '' : `listeners:\n  mx: ${listener}\n`;
  const text = `${server}${listeners}${more}`;
  const loaded = loadConfiguration(text, 'ims.yaml', { directory: '/etc/ims' });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ key, message }) => `${key} ${message}`).join('; '));
  return loaded.settings;
}

/** A service that runs with these listeners and worker processes. */
export function runningService(
  listeners: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly why?: string;
  }[],
  pids: readonly number[] = [100],
  tls: 'starttls' | 'implicit' = 'starttls',
): ServiceAnswer {
  const status = {
    version: '1.0.0',
    verdict: 'Everything runs.',
    parts: [],
    startedAtMs: 0,
    configurationFile: '/etc/ims/ims.yaml',
    generation: 1,
    listeners: listeners.map((one) => ({
      ...one,
      profile: 'mx' as const,
      tls,
      state: one.why === undefined ? ('listening' as const) : ('waiting' as const),
    })),
    processes: pids.map((pid, index) => ({
      role: 'worker' as const,
      index,
      pid,
      state: 'running' as const,
      restarts: 0,
    })),
    degraded: [],
  };
  return { kind: 'running', path: '/srv/ims/run/control', status };
}

/** Sockets can be made, and nobody answers. */
const quietNetwork: Parts['network'] = {
  dial: () => Promise.reject(Object.assign(new Error('nobody answers'), { code: 'ECONNREFUSED' })),
  datagram: async () => ({ send: () => undefined, close: () => undefined }),
};

/** What a test gives a check. */
export interface DoctorFacts {
  readonly settings?: Settings;
  readonly host?: PretendedFacts;
  readonly service?: ServiceAnswer;
  /** What the service answers to actions, by their names. */
  readonly answers?: Readonly<Record<string, (input: unknown) => unknown>>;
  readonly nowMs?: number;
  readonly more?: Partial<Parts>;
}

/** Looks with one check. */
export function lookWith(
  check: Check,
  { settings, host = {}, service, answers = {}, nowMs, more = {} }: DoctorFacts,
): Promise<Verdict> {
  const answer: ServiceAnswer = service ?? {
    kind: 'not-running',
    path: '/srv/ims/run/control',
    why: 'there is no such socket',
  };
  return check.look({
    configuration: { path: '/etc/ims/ims.yaml', ok: true, problems: [] },
    settings: settings ?? settingsOf(),
    host: pretendedHost(host),
    clock: new ManualClock(nowMs),
    nameServers: { servers: [], from: 'settings', named: true },
    resolver: zoneResolver(''),
    network: quietNetwork,
    memory: {},
    service: { ask: async () => answer, request: async (action, input) => answers[action]?.(input) },
    ...more,
  });
}
