import type { Journal } from '../../events/journal.ts';
import type { Reception } from '../../flow/reception/reception.ts';
import { row } from '../../operate/doctor/verdict.ts';
import type { Scheduler } from '../../flow/scheduler/port.ts';
import { createGateways } from '../../transport/gateway/gateways.ts';
import type { Gateways, GatewayState } from '../../transport/gateway/port.ts';
import type { SecureShell } from '../../world/ports/secure-shell.ts';
import type { World } from '../../world/world.ts';
import { rowOf } from '../../events/render.ts';
import type { ToChild } from '../messages.ts';
import type { Board, PartSaid } from '../parts/board.ts';
import type { Generation } from './generation.ts';
import { letGoOn } from './go-on.ts';
import type { Tally } from './tally.ts';

/** What of a running worker gateways lead to. */
export interface GatewayTargets {
  readonly shards: readonly { readonly scheduler: Pick<Scheduler, 'again'> }[];
  readonly generation: Generation;
  readonly reception: Reception;
}

const NO_SHELL: SecureShell = {
  publicKey: () => Promise.resolve(undefined),
  connect: () => Promise.resolve({ kind: 'unreachable', why: 'this process has no client of SSH' }),
};

/** The gateways of a worker: what comes in by them meets the rules of the listener that they name. */
export function openGateways(
  parts: { readonly world: Pick<World, 'clock'>; readonly shell?: SecureShell },
  board: Board,
  { shard, workers, briefing }: Extract<ToChild, { kind: 'start' }>,
  journal: Journal,
  tally: Tally,
  targets: () => GatewayTargets,
): Gateways {
  const away = new Set<string>();
  return createGateways({
    clock: parts.world.clock,
    journal,
    shell: parts.shell ?? NO_SHELL,
    resolver: { query: (name, type) => targets().generation.resolver.query(name, type) },
    ownBanner: `220 ${briefing.settings.server.name} `,
    worker: shard,
    workers,
    accept(stream, name, gateway) {
      const { generation, reception } = targets();
      const listener = generation.settings.listeners[name];
      if (listener === undefined) stream.destroy();
      else {
        const hostName = generation.settings.gateways[gateway]?.heloName;
        reception.accept(stream, { name, ...listener, byGateway: true, hostName });
      }
    },
    changed: (state) => {
      if (state.trouble !== undefined) tally.ways.failed('gateway', state.name, state.trouble.why);
      if (state.trouble !== undefined) away.add(state.name);
      else if (state.state === 'up' && away.delete(state.name))
        letGoOn(parts.world.clock, targets().shards, `the gateway ${state.name} `);
      // The worker that listens there speaks for the gateway.
      if (state.ports.length > 0) board.set(partOf(state));
    },
    gone: (name) => board.drop(`gateway ${name}`),
  });
}

/** A gateway as a part of the service. */
function partOf({ name, state, trouble, ports, software }: GatewayState): PartSaid {
  const part = `gateway ${name}`;
  const failed = ports.find((port) => port.state === 'failed');
  const evidence = ports.map((port) =>
    row(`port ${port.port} at ${port.address} on the gateway`, 'bound', port.why ?? port.state),
  );
  if (state === 'up' && failed === undefined && trouble === undefined) {
    const waits = ports.some((port) => port.state === 'waiting');
    const server = row('SSH server', 'a session', software ?? '');
    return { part, state: waits ? 'starting' : 'running', evidence: [server, ...evidence] };
  }
  if (state === 'up' && trouble === undefined) return { part, state: 'degraded', cause: failed?.why ?? '', evidence };
  if (trouble === undefined) return { part, state: 'starting', evidence };
  return { part, state: 'degraded', cause: trouble.why, evidence, event: rowOf(trouble.event).number };
}
