import type { Settings } from '../../settings/index.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { Host } from '../../world/ports/host.ts';
import type { Network } from '../../world/ports/network.ts';
import type { Random } from '../../world/ports/random.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { Problem } from '../config/index.ts';
import type { ChanceReply, RootReply } from './facts/name-server-trouble.ts';
import type { NameServersFound, ServiceAnswer } from './parts.ts';
import type { Verdict } from './verdict.ts';

/** What checks may look at. Nothing here changes anything; one check writes a file to see that this works, and removes it. */
export interface Parts {
  /** The configuration file and everything that is wrong with it. */
  readonly configuration: { readonly path: string; readonly ok: boolean; readonly problems: readonly Problem[] };
  /** The settings; a check that needs them is blocked where they do not load. */
  readonly settings: Settings;
  readonly host: Host;
  readonly disk: Pick<Disk, 'open' | 'readFile' | 'list' | 'entry' | 'space' | 'unlink'>;
  readonly network: Pick<Network, 'dial' | 'datagram'>;
  readonly clock: Clock;
  readonly random: Random;
  /** The running service, asked once however many checks want to know. */
  readonly service: {
    ask(): Promise<ServiceAnswer>;
    /** An action that changes nothing; undefined where there is no service that answers it. */
    request(action: string, input: unknown): Promise<unknown>;
    /** One that remembers no answer. */
    afresh?(): Parts['service'];
  };
  readonly nameServers: NameServersFound;
  /** Look-ups by those name servers, with little patience; `afresh` makes one that remembers nothing that was missing. */
  readonly resolver: Resolver & { afresh?(): Resolver };
  /** What checks of this run have found out for one another; empty at its start. */
  readonly memory: RunMemory;
}

/** What one check found out and another of the same run need not ask for again. */
export interface RunMemory {
  /** The replies of the name servers to the question for the root, in their order. */
  roots?: readonly Promise<RootReply>[];
  /** Their replies to names that do not exist. */
  chance?: readonly Promise<ChanceReply>[];
}

/** A part by its name. */
export type PartName = keyof Parts;

/** What every check says about itself. */
export interface CheckFacts {
  /** 'area.expectation'. */
  readonly id: string;
  /** Never used again for another check; the hundreds are the area. */
  readonly number: number;
  /** The expectation as a sentence. */
  readonly title: string;
  /** Why it matters, for `--explain`. */
  readonly why: string;
  /** Checks that must be healthy first; behind one that is not this one is blocked. */
  readonly after: readonly string[];
  /** What a look costs: only the host, or also talk with others. */
  readonly cost: 'host' | 'network';
  /** How long it may look, where the usual time is too short. */
  readonly deadlineMs?: number;
  /** The service looks no more often by itself, but for changes, and believes one look: others count what it does. */
  readonly everyMs?: number;
}

/** A check as the runner knows it. */
export interface Check extends CheckFacts {
  readonly needs: readonly PartName[];
  look(parts: Partial<Parts>): Promise<Verdict>;
}

/** Declares a check. `look` gets the parts that `needs` names, and no others. */
export function defineCheck<N extends PartName>(
  check: CheckFacts & {
    readonly needs: readonly N[];
    look(parts: Pick<Parts, N>): Verdict | Promise<Verdict>;
  },
): Check {
  return {
    ...check,
    async look(parts) {
      const given = Object.fromEntries(check.needs.map((name) => [name, parts[name]]));
      return check.look(given as Pick<Parts, N>); // the runner looks only where every need is there
    },
  };
}
