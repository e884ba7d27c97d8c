/** A way out or in, as one worker or all of them see it. Times are of the wall clock. */
export interface TransportState {
  readonly kind: 'direct' | 'proxy' | 'gateway' | 'smart-host';
  /** Its name in the configuration; '' for direct connections. */
  readonly name: string;
  /** 'unused': nothing is known of it yet; 'paused': it failed, and mail waits for it or goes another way until the next look. */
  readonly state: 'unused' | 'well' | 'connecting' | 'paused';
  readonly sinceMs: number;
  /** The number of the event that explains a pause. */
  readonly event?: number;
  /** The last words of the other side that something was wrong in, and when it said them; they stay when it works again. */
  readonly says?: string;
  readonly failedMs?: number;
  /** When somebody looks after it again. */
  readonly nextLookMs?: number;
  /** Connections through it now; gateways only. */
  readonly connections?: number;
  /** Ports bound on a gateway for listeners of ours. */
  readonly ports?: readonly {
    readonly address: string;
    readonly port: number;
    readonly listener: string;
    readonly state: 'bound' | 'failed' | 'waiting';
    readonly why?: string;
  }[];
}

const RANKS: Readonly<Record<TransportState['state'], number>> = { paused: 0, connecting: 1, well: 2, unused: 3 };

/** What all workers see of each way: the worst of it, and the newest words. */
export function joinTransports(seen: readonly (readonly TransportState[])[]): readonly TransportState[] {
  const byWay = new Map<string, TransportState[]>();
  for (const state of seen.flat()) {
    const key = `${state.kind} ${state.name}`;
    byWay.set(key, [...(byWay.get(key) ?? []), state]);
  }
  return [...byWay.values()].flatMap((states) => {
    const [worst] = [...states].sort((a, b) => RANKS[a.state] - RANKS[b.state] || a.sinceMs - b.sinceMs);
    if (worst === undefined) return [];
    const [last] = states
      .filter(({ failedMs }) => failedMs !== undefined)
      .sort((a, b) => (b.failedMs ?? 0) - (a.failedMs ?? 0));
    const counted = states.flatMap(({ connections }) => connections ?? []);
    const ports = states.flatMap((state) => state.ports ?? []);
    return [
      {
        ...worst,
        ...(last?.says === undefined || worst.says !== undefined ? {} : { says: last.says }),
        ...(last?.failedMs === undefined ? {} : { failedMs: last.failedMs }),
        ...(counted.length === 0 ? {} : { connections: counted.reduce((sum, one) => sum + one, 0) }),
        ...(ports.length === 0 ? {} : { ports }),
      },
    ];
  });
}
