import type { Journal } from '../../events/journal.ts';
import { rowOf } from '../../events/render.ts';
import { createDequeue } from '../../flow/dequeue/dequeue.ts';
import type { Dequeue, DequeueState } from '../../flow/dequeue/port.ts';
import type { Reception } from '../../flow/reception/reception.ts';
import { waysOf } from '../../flow/routing/ways.ts';
import { takes } from '../../operate/transfer/state.ts';
import { row } from '../../operate/doctor/verdict.ts';
import type { World } from '../../world/world.ts';
import type { ToChild } from '../messages.ts';
import type { Board, PartSaid } from '../parts/board.ts';
import type { Generation } from './generation.ts';
import type { WorkerTransfer } from './transfer.ts';

/** What of a running worker fetched mail leads to. */
export interface DequeueTargets {
  readonly generation: Pick<Generation, 'settings' | 'resolver' | 'dialer'>;
  readonly reception: Reception;
  readonly transfer: Pick<WorkerTransfer, 'mode'>;
}

/** The hosts that hold mail for us, and this worker's share of them: what comes over a turned connection meets the rules of reception. */
export function openDequeue(
  world: Pick<World, 'clock' | 'programs'>,
  board: Board,
  { shard, workers }: Extract<ToChild, { kind: 'start' }>,
  journal: Journal,
  targets: () => DequeueTargets,
): Dequeue {
  return createDequeue({
    clock: world.clock,
    programs: world.programs,
    journal,
    worker: shard,
    workers,
    takes: () => takes(targets().transfer.mode),
    changed: (state) => board.set(partOf(state)),
    gone: (name) => board.drop(`dequeue ${name}`),
    rooms() {
      const { generation, reception } = targets();
      const { settings, resolver, dialer } = generation;
      const { routing, gateways, server, delivery, domains } = settings;
      return {
        dialer,
        resolver,
        timeouts: delivery.timeouts,
        serverName: routing.heloName ?? server.name,
        ownDomains: [...Object.keys(domains), ...routing.relayDomains],
        source: { source4: routing.source4, source6: routing.source6 },
        waysOf: (proxy) => waysOf(typeof proxy === 'object' ? [...proxy] : proxy, routing, gateways),
        serve: (stream, entry, asked) =>
          new Promise((over) => {
            const name = `dequeue ${entry}`;
            const turned = { domains: new Set(asked.map((domain) => domain.toLowerCase())), over };
            reception.accept(stream, {
              name,
              profile: 'mx',
              tls: 'none',
              greetingDelay: false,
              byGateway: true,
              turned,
            });
          }),
      };
    },
  });
}

/** An entry as a part of the service. */
function partOf({ name, failingSinceMs, last, host }: DequeueState): PartSaid {
  const part = `dequeue ${name}`;
  if (failingSinceMs === undefined || last === undefined) return { part, state: 'running' };
  return {
    part,
    state: 'degraded',
    event: rowOf(last.outcome === 'refused' ? 'dequeue.refused' : 'dequeue.failed').number,
    cause: last.result,
    evidence: [row(host === '' ? 'the program' : host, 'held mail is sent', last.result)],
    cure: `ims dequeue now ${name}`,
  };
}
