import type { Journal } from '../../events/journal.ts';
import { renderText, rowOf } from '../../events/render.ts';
import type { Scheduler } from '../../flow/scheduler/port.ts';
import { row } from '../../operate/doctor/verdict.ts';
import { isOfOneHost } from '../../transport/proxy-fault.ts';
import { ProxyHealth, type ProxyState } from '../../transport/proxy-health.ts';
import { lookThrough } from '../../transport/proxy-look.ts';
import type { World } from '../../world/world.ts';
import type { Board, PartSaid } from '../parts/board.ts';
import type { Generation } from './generation.ts';
import { letGoOn } from './go-on.ts';
import type { Tally } from './tally.ts';

/** What of a running worker proxies lead to. */
export interface ProxyTargets {
  readonly shards: readonly { readonly scheduler: Pick<Scheduler, 'again'> }[];
  readonly generation: Pick<Generation, 'resolver' | 'settings'>;
}

/** Looks after the proxies of a worker: what waited for one goes on when it works again. */
export function openProxies(
  world: Pick<World, 'clock' | 'network'>,
  board: Board,
  journal: Journal,
  tally: Tally,
  targets: () => ProxyTargets,
): ProxyHealth {
  const { clock } = world;
  return new ProxyHealth({
    clock,
    journal,
    look: (proxy, request) => lookThrough(proxy, request, { world, resolver: targets().generation.resolver }),
    changed: (state) => {
      if (state.fault !== undefined) tally.ways.failed('proxy', state.name, state.fault.data.why);
      const { generation, shards } = targets();
      if (Object.hasOwn(generation.settings.routing.proxies, state.name)) board.set(partOf(state, clock));
      else board.drop(`proxy ${state.name}`);
      if (state.state === 'well') letGoOn(clock, shards, `the proxy ${state.name} `);
    },
  });
}

/** A proxy as a part of the service. */
function partOf({ name, fault, nextLookMs }: ProxyState, clock: Pick<World['clock'], 'now' | 'wall'>): PartSaid {
  const part = `proxy ${name}`;
  if (fault === undefined) return { part, state: 'running' };
  const next = nextLookMs === undefined ? 'now' : timeOfDay(clock.wall() + nextLookMs - clock.now());
  return {
    part,
    state: isOfOneHost(fault) ? 'degraded' : 'failed',
    event: rowOf(fault.event).number,
    cause: renderText({ name: fault.event, data: fault.data }),
    cure: 'ims doctor --only ways',
    evidence: [
      row(`proxy ${String(fault.data.host)}`, 'a connection', String(fault.data.why)),
      row('next look', '', next),
    ],
  };
}

/** In UTC. */
function timeOfDay(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}
