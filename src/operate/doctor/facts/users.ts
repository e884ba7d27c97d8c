import type { Host, HostFile } from '../../../world/ports/host.ts';

/** Who a process is to the file system. */
export interface Identity {
  readonly uid: number;
  readonly gids: readonly number[];
  /** As people say it: 'ims (uid 990)'. */
  readonly words: string;
}

const lines = (text: string): readonly (readonly string[])[] => text.split('\n').map((line) => line.split(':'));

/** Finds a user by name or number in the texts of /etc/passwd and /etc/group. */
export function findIdentity(
  user: string,
  group: string | undefined,
  passwd: string,
  groups: string,
): Identity | undefined {
  const entry = lines(passwd).find((fields) => fields[0] === user || (/^\d+$/.test(user) && fields[2] === user));
  const uid = Number(entry?.[2] ?? user);
  if (!Number.isInteger(uid)) return undefined;
  const name = entry?.[0];
  const own = lines(groups).filter((fields) => name !== undefined && (fields[3] ?? '').split(',').includes(name));
  const primary =
    group === undefined
      ? Number(entry?.[3] ?? uid)
      : Number(lines(groups).find(([one]) => one === group)?.[2] ?? group);
  if (!Number.isInteger(primary)) return undefined;
  return {
    uid,
    gids: [primary, ...own.map((fields) => Number(fields[2]))],
    words: name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`,
  };
}

/** A user of this host by name or number; undefined where there is none, or that cannot be read. */
export async function identityOf(host: Host, user: string, group?: string): Promise<Identity | undefined> {
  const [passwd, groups] = await Promise.all([host.text('/etc/passwd'), host.text('/etc/group')]);
  const local = groups.ok ? groups.value : '';
  const found = findIdentity(user, group, passwd.ok ? passwd.value : '', local);
  if (found !== undefined) return found;
  // Users may be kept elsewhere (LDAP, systemd): the system finds them as the service does.
  const [entry, named] = await Promise.all([
    host.output('getent', 'passwd', user),
    group === undefined ? undefined : host.output('getent', 'group', group),
  ]);
  return entry.ok
    ? findIdentity(user, group, entry.value, named?.ok === true ? `${named.value}\n${local}` : local)
    : undefined;
}

/** Whether the mode bits let somebody do something: 4 read, 2 write, 1 enter. Root may all. */
export function may({ uid, gids }: Identity, what: 1 | 2 | 4, file: Pick<HostFile, 'uid' | 'gid' | 'mode'>): boolean {
  if (uid === 0) return true;
  const shift = file.uid === uid ? 6 : gids.includes(file.gid) ? 3 : 0;
  return ((file.mode >> shift) & what) !== 0;
}

const BITS: Readonly<Record<string, number>> = { r: 4, w: 2, x: 1 };

const bits = (rights = ''): number => [...rights].reduce((sum, right) => sum | (BITS[right] ?? 0), 0);

/** The entries of an access list as kind, number and rights; none where it cannot be seen. */
async function accessList(host: Host, path: string): Promise<readonly (readonly string[])[]> {
  const list = await host.output('getfacl', '-cpn', '--', path);
  return list.ok ? list.value.split('\n').map((line) => line.replace(/\s*#.*/, '').split(':')) : [];
}

/** The mode without what it shows of an access list in the place of the group's rights. */
export async function modeItself(host: Host, path: string, mode: number): Promise<number> {
  if ((mode & 0o070) === 0) return mode;
  const entries = await accessList(host, path);
  if (!entries.some(([kind]) => kind === 'mask')) return mode;
  const own = entries.find(([kind, id]) => kind === 'group' && id === '');
  return (mode & ~0o070) | (bits(own?.[2]) << 3);
}

/** Whether the mode, or an access list beside it (setfacl), lets somebody do something. */
export async function mayAlso(
  host: Host,
  who: Identity,
  what: 1 | 2 | 4,
  path: string,
  file: Pick<HostFile, 'uid' | 'gid' | 'mode'>,
): Promise<boolean> {
  if (may(who, what, file)) return true;
  const entries = await accessList(host, path);
  const mask = entries.find(([kind]) => kind === 'mask');
  const limit = mask === undefined ? 7 : bits(mask[2]);
  return entries.some(([kind, id = '', rights]) => {
    const named =
      id !== '' && (kind === 'user' ? Number(id) === who.uid : kind === 'group' && who.gids.includes(Number(id)));
    return named && (bits(rights) & limit & what) !== 0;
  });
}

/** Whether somebody may make files in a directory: write in it, and enter it. */
export async function mayMakeIn(host: Host, who: Identity, path: string, file: HostFile): Promise<boolean> {
  const both = await Promise.all(([2, 1] as const).map((what) => mayAlso(host, who, what, path, file)));
  return both.every((one) => one);
}

/** The first directory above a path that somebody may not enter; undefined where he may enter all that can be seen. */
export async function closedAbove(host: Host, who: Identity, path: string): Promise<string | undefined> {
  const parts = path.split('/').slice(1, -1);
  for (let count = 0; count <= parts.length; count += 1) {
    const directory = `/${parts.slice(0, count).join('/')}`;
    const file = await host.file(directory);
    if (file.ok && file.value.kind === 'directory' && !(await mayAlso(host, who, 1, directory, file.value)))
      return directory;
  }
  return undefined;
}

/** A mode as people write it. */
export const showMode = (mode: number): string => mode.toString(8).padStart(3, '0');
