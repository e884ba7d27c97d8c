import { errnoOf } from '../../../events/fault.ts';
import { defineCheck } from '../check.ts';
import { lookAtSegments, type SegmentsSeen } from '../facts/queue-segments.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

/** What was accepted must be there when it is its turn. */
export const recordsIntact = defineCheck({
  id: 'storage.records',
  number: 211,
  title: 'What is in the queue can be read as it was written',
  why: 'A disk that fails, a file that was cut short or changed, costs messages. Damage is looked for in a sample of the sealed files; what a start finds it tells by events 3302 and 4303.',
  needs: ['settings', 'disk'],
  after: ['storage.data-directory', 'storage.queue-format'],
  cost: 'host',
  async look({ settings, disk }) {
    const directory = `${settings.server.data}/queue`;
    let seen: SegmentsSeen;
    try {
      if ((await disk.entry(directory))?.kind !== 'directory')
        return notApplicable('there is no queue yet; the first start makes it');
      seen = await lookAtSegments({ disk }, directory);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EACCES')
        return unknown(`this user may not read ${directory}; run it as root or as the service user`);
      if (errno !== 'EIO') throw error;
      return unhealthy(
        `The disk of ${directory} does not give back what was written (EIO): it fails.`,
        {
          cure: 'dmesg | tail -50 and smartctl -a DEVICE show its errors; stop the service, copy the data directory to another disk, and set server.data to it',
          event: 4303,
        },
        [row(directory, 'can be read', 'EIO')],
      );
    }
    const evidence = [
      row('sealed files looked at', 'those of every shard', `${seen.segments} in ${seen.shards} shards`),
      row('records looked at', 'as they were written', `${seen.records}`),
      ...seen.damages.map(({ path, what, offset }) => row(path, 'whole', `${what} (octet ${offset})`)),
      ...seen.cut.map((path) => row(path, 'no rest of a cut record', 'set aside by the last start')),
    ];
    const [damage] = seen.damages;
    if (damage !== undefined)
      return unhealthy(
        `The queue file ${damage.path} is damaged at octet ${damage.offset}: ${damage.what}. Messages in that place are lost; the rest of the queue goes on.`,
        {
          cure: `dmesg | tail -50 and smartctl -a DEVICE tell whether the disk fails; ims events --number 4303 tells what was met. The file goes by itself when the last message in it has ended`,
          event: 4303,
        },
        evidence,
      );
    const [cut] = seen.cut;
    if (cut === undefined) return healthy(evidence);
    return unhealthy(
      `A record at the end of a queue file was cut off, and its rest set aside as ${cut}. After a power cut nothing that was acknowledged is lost: the sender sends again. Otherwise something truncated the file.`,
      {
        cure: 'dmesg | tail -50 tells whether the disk fails; ims repair queue.cut-records --preview shows what is in it, and takes it away',
        event: 3302,
      },
      evidence,
    );
  },
});
