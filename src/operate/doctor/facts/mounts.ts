import type { Host } from '../../../world/ports/host.ts';

/** The file system under a path. */
export interface Mount {
  readonly at: string;
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
}

const octal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Reads /proc/self/mountinfo and finds the mount that holds a path: the longest one, of equal ones the last. */
export function mountOf(mountinfo: string, path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const fields = before.split(' ');
    const [type = '', source = '', superOptions = ''] = after.split(' ');
    const at = octal(fields[4] ?? '');
    if (at === '' || !(at === '/' || path === at || path.startsWith(`${at}/`))) continue;
    if (best !== undefined && at.length < best.at.length) continue;
    const readOnly = [...(fields[5] ?? '').split(','), ...superOptions.split(',')].includes('ro');
    best = { at, type, source: octal(source), readOnly };
  }
  return best;
}

const NETWORK_TYPES =
  /^(?:nfs\d?|cifs|smb\d?|smbfs|afs|9p|ceph|glusterfs|fuse\.(?:glusterfs|sshfs|s3fs|cephfs|rclone)|lustre|ocfs2|gfs2|beegfs)$/;

/** Whether files there live on another host. */
export const isNetworkFileSystem = ({ type }: Mount): boolean => NETWORK_TYPES.test(type);

const LINKS_MAX = 40;

/** A path without symbolic links in it, as far as they can be seen: a mount is where the path really is. */
export async function realPath(host: Pick<Host, 'link'>, path: string): Promise<string> {
  let left = path.split('/').filter((part) => part !== '');
  let real = '';
  for (let links = 0; left.length > 0; ) {
    const [part = '', ...rest] = left;
    left = rest;
    if (part === '..') real = real.slice(0, Math.max(0, real.lastIndexOf('/')));
    if (part === '.' || part === '..') continue;
    const link = await host.link(`${real}/${part}`);
    if (!link.ok || links === LINKS_MAX) {
      real = `${real}/${part}`;
      continue;
    }
    links += 1;
    if (link.value.startsWith('/')) real = '';
    left = [...link.value.split('/').filter((one) => one !== ''), ...left];
  }
  return real === '' ? '/' : real;
}
