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
