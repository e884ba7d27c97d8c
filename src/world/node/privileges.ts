import * as fs from 'node:fs';
import type { Disk } from '../ports/disk.ts';

/** A user of this host. */
export interface HostUser {
  readonly uid: number;
  readonly gid: number;
}

function idOf(file: string, name: string, field: number): number | undefined {
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const fields = line.split(':');
    if (fields[0] === name) return Number(fields[field]);
  }
  return undefined;
}

/** Finds a user (name or number) and, where given, a group; undefined where the host does not know one of them. */
export function findUser(user: string, group: string | undefined): HostUser | undefined {
  const uid = /^\d+$/.test(user) ? Number(user) : idOf('/etc/passwd', user, 2);
  const own = /^\d+$/.test(user) ? Number(user) : idOf('/etc/passwd', user, 3);
  const gid = group === undefined ? own : /^\d+$/.test(group) ? Number(group) : idOf('/etc/group', group, 2);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** So deep below a directory that is already the user's is looked for entries that are not: the files of a mailbox lie deeper. */
const LOOKED_DEPTH = 3;

/** Gives a directory and what is in it to a user. Deep below what is already his nothing is looked for. */
export function giveTo(path: string, user: HostUser, depth = 0): void {
  const stats = fs.lstatSync(path);
  const his = stats.uid === user.uid && stats.gid === user.gid;
  if (!his) fs.lchownSync(path, user.uid, user.gid);
  if (!stats.isDirectory() || (his && depth >= LOOKED_DEPTH)) return;
  for (const name of fs.readdirSync(path)) giveTo(`${path}/${name}`, user, depth + 1);
}

/** The file, or the directory on the way to it, whose mode keeps a user out; undefined where none does, or where it is not there. */
export function closedTo(user: HostUser, path: string): string | undefined {
  const parts = path.split('/').slice(1);
  for (let count = 1; count <= parts.length; count += 1) {
    const at = `/${parts.slice(0, count).join('/')}`;
    const stats = fs.statSync(at, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const shift = stats.uid === user.uid ? 6 : stats.gid === user.gid ? 3 : 0;
    if (((stats.mode >> shift) & (count === parts.length ? READ : SEARCH)) === 0) return at;
  }
  return undefined;
}

const READ = 4;
const SEARCH = 1;

/** A disk on which files and directories that are made belong to a user, for a privileged process whose files others read. */
export function diskFor(disk: Disk, user: HostUser): Disk {
  const his = (path: string): void => {
    const { uid, gid } = fs.lstatSync(path);
    if (uid !== user.uid || gid !== user.gid) fs.lchownSync(path, user.uid, user.gid);
  };
  return {
    ...disk,
    async open(path, how, mode) {
      const file = await disk.open(path, how, mode);
      if (how !== 'read') his(path);
      return file;
    },
    async makeDirectory(path, mode) {
      await disk.makeDirectory(path, mode);
      his(path);
    },
    async replaceFile(path, content, mode) {
      await disk.replaceFile(path, content, mode);
      his(path);
    },
  };
}
