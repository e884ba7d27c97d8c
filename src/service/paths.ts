import type { Settings } from '../settings/index.ts';
import type { Disk } from '../world/ports/disk.ts';

type Server = Pick<Settings, 'server'>;

/** Where the control socket and the locks are. */
export function runDirectory({ server }: Server): string {
  return server.run ?? `${server.data}/run`;
}

/** Where a shard of the queue is. */
export function shardDirectory({ server }: Server, shard: number): string {
  return `${server.data}/queue/${shard}`;
}

/** The lock of a shard's owner. */
export function shardLock(settings: Server, shard: number): string {
  return `${runDirectory(settings)}/shard-${shard}`;
}

/** Where a worker keeps the timelines of its shard. */
export function timelineDirectory({ server }: Server, shard: number): string {
  return `${server.data}/timeline/${shard}`;
}

/** Where a process keeps its events: 'supervisor', 'operator', 'worker-0' ... */
export function eventDirectory({ server }: Server, processName: string): string {
  return `${server.data}/events/${processName}`;
}

/** Where the operator process keeps what is not well. */
export function conditionsFile(directory: string): string {
  return `${directory}/conditions.json`;
}

/** The shards that the data directory holds. */
export async function shardsOnDisk(disk: Disk, settings: Server): Promise<readonly number[]> {
  const directory = `${settings.server.data}/queue`;
  if ((await disk.entry(directory)) === undefined) return [];
  return (await disk.list(directory)).filter((name) => /^\d{1,4}$/.test(name)).map(Number);
}
