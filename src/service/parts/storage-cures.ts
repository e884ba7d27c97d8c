const CURES: Readonly<Record<string, (path: string) => string>> = {
  EACCES: (path) => `namei -l ${path} (then chown or chmod what it shows)`,
  EPERM: (path) =>
    `namei -l ${path}; lsattr -d ${path} (then chown or chmod what it shows, or chattr -i where it shows an i)`,
  EROFS: (path) => `findmnt -T ${path} (then mount -o remount,rw what it shows)`,
  ENOSPC: (path) => `df -h ${path}; df -i ${path} (then make room)`,
  EDQUOT: (path) => `quota; df -h ${path} (then make room, or raise the quota)`,
  ENOTDIR: (path) => `namei -l ${path} (something on the way is no directory)`,
  ENOENT: (path) => `findmnt -T ${path} (mount what is missing there, or put back what was removed)`,
  EEXIST: (path) => `mv ${path} ${path}.old (a file is where a directory belongs; the service makes that)`,
  ELOOP: (path) => `namei -l ${path} (then correct the link that leads round in a circle)`,
  EFBIG: () =>
    'ulimit -f unlimited before the start, or LimitFSIZE=infinity in the unit (ims repair host.process-limits)',
  EIO: () => 'journalctl -k --since -1h (the disk reports an error)',
};

/** What looks after an error that a file system gave, or mends it. */
export function storageCure(errno: string, path: string): string | undefined {
  return CURES[errno]?.(path);
}
