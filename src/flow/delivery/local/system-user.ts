import type { Disk } from '../../../world/ports/disk.ts';

/** The numbers of a user of this machine: 'uid:gid' as it stands, a name from /etc/passwd; undefined where there is none. */
export async function systemUser(
  disk: Pick<Disk, 'readFile'>,
  name: string,
): Promise<{ uid: number; gid: number } | undefined> {
  const numbers = /^(\d{1,10}):(\d{1,10})$/.exec(name);
  if (numbers !== null) return { uid: Number(numbers[1]), gid: Number(numbers[2]) };
  const passwd = await disk.readFile('/etc/passwd');
  for (const line of passwd.toString('utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
