import type { Parts } from '../check.ts';
import { runDirectoryOf } from '../parts.ts';
import { holdersOf, statusNumbers } from './processes.ts';
import { type Identity, identityOf } from './users.ts';

/**
 * Who the service works as: what its workers are while it runs, else server.user, else this user.
 * Undefined where that user does not exist, or cannot be seen.
 */
export async function serviceIdentity({
  settings,
  host,
  service,
}: Pick<Parts, 'settings' | 'host' | 'service'>): Promise<Identity | undefined> {
  const answer = await service.ask();
  const pid =
    answer.kind === 'running' ? answer.status.processes.find(({ role }) => role === 'worker')?.pid : undefined;
  const status = pid === undefined ? undefined : await host.text(`/proc/${pid}/status`);
  if (status?.ok === true) {
    // Real, effective, saved, file system.
    const uid = statusNumbers(status.value, 'Uid')[3] ?? host.self.uid;
    const gid = statusNumbers(status.value, 'Gid')[3] ?? host.self.gid;
    const named = await identityOf(host, String(uid));
    const gids = [gid, ...statusNumbers(status.value, 'Groups').filter(Number.isInteger)];
    return { uid, gids, words: named?.words ?? `uid ${uid}` };
  }
  const { user, group } = settings.server;
  if (user !== undefined) return identityOf(host, user, group);
  // It belongs to somebody else: what this user may not is no fault of it.
  if (answer.kind === 'not-permitted') return undefined;
  const self = await identityOf(host, String(host.self.uid));
  return self ?? { uid: host.self.uid, gids: [host.self.gid], words: `uid ${host.self.uid}` };
}

/** The process ids of the workers; none where the service does not run. */
export const workersOf = async ({ service }: Pick<Parts, 'service'>): Promise<readonly number[]> => {
  const answer = await service.ask();
  return answer.kind === 'running'
    ? answer.status.processes.flatMap(({ role, pid }) => (role === 'worker' && pid !== undefined ? [pid] : []))
    : [];
};

/** The process that started the others, where it can be seen. */
export async function supervisorOf({ host, service }: Pick<Parts, 'host' | 'service'>): Promise<number | undefined> {
  const answer = await service.ask();
  const [child] = answer.kind === 'running' ? answer.status.processes.flatMap(({ pid }) => pid ?? []) : [];
  const status = child === undefined ? undefined : await host.text(`/proc/${child}/status`);
  const parent = status?.ok === true ? statusNumbers(status.value, 'PPid')[0] : undefined;
  return parent !== undefined && parent > 0 ? parent : undefined;
}

/** The process that holds the lock of the data directory, whether it answers or not. */
export async function lockHolder(host: Parts['host'], path: string): Promise<number | undefined> {
  const table = await host.text('/proc/net/unix');
  const line = table.ok ? table.value.split('\n').find((one) => one.endsWith(` ${path}`)) : undefined;
  const inode = line?.trim().split(/\s+/)[6];
  return inode === undefined ? undefined : (await holdersOf(host, new Set([inode]))).get(inode)?.[0];
}

/**
 * The processes whose limits are those of the service: its workers; while it cannot keep any, what else runs of it, answering or not;
 * where it does not run at all, one like this.
 */
export async function limitedProcesses({
  settings,
  host,
  service,
}: Pick<Parts, 'settings' | 'host' | 'service'>): Promise<readonly (number | 'self')[]> {
  const workers = await workersOf({ service });
  if (workers.length > 0) return workers;
  const answer = await service.ask();
  const others = answer.kind === 'running' ? answer.status.processes.flatMap(({ pid }) => pid ?? []) : [];
  if (others.length > 0) return others;
  const holder = await lockHolder(host, `${runDirectoryOf(settings)}/lock`);
  return holder === undefined ? ['self'] : [holder];
}
