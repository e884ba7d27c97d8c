import { formatVersion, headerBytes, readSegmentHeader } from '../../../flow/queue/log/format.ts';
import { errnoOf } from '../../../events/fault.ts';
import { mailboxPlaces } from '../../actions/maildirs.ts';
import { defineCheck, type Parts } from '../check.ts';
import { serviceIdentity } from '../facts/service-identity.ts';
import { mayMakeIn, showMode } from '../facts/users.ts';
import { evidenceMax, sampleMax } from '../limits.ts';
import type { HostFile } from '../../../world/ports/host.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

const SEGMENT = /^\d{10}\.log$/;
/** Octets before the version in the head of a segment, in every format. */
const VERSION_AT = 8;

/** The newest segment of each shard tells which program wrote it. */
export const queueFormat = defineCheck({
  id: 'storage.queue-format',
  number: 206,
  title: 'The queue was written in a format that this version reads',
  why: 'A newer version may have written it: an older program must not guess at its mail.',
  needs: ['settings', 'disk'],
  after: ['storage.data-directory'],
  cost: 'host',
  async look({ settings, disk }) {
    const directory = `${settings.server.data}/queue`;
    const evidence: Evidence[] = [];
    let newer: number | undefined;
    let damaged: string | undefined;
    try {
      if ((await disk.entry(directory))?.kind !== 'directory')
        return notApplicable('there is no queue yet; the first start makes it');
      const shards = (await disk.list(directory)).filter((name) => /^\d{1,4}$/.test(name)).slice(0, sampleMax);
      for (const shard of shards) {
        const names = await disk.list(`${directory}/${shard}`);
        if (names.includes('boot')) {
          const boot = `${directory}/${shard}/boot`;
          const text = (await disk.readFile(boot)).toString('latin1', 0, 64);
          const found = Number(/^format (\d{1,6})\n/.exec(text)?.[1]);
          if (!/^format \d{1,6}\nshard \d{1,4}\nnext \d{1,9}\n/.test(text)) damaged ??= boot;
          if (found > formatVersion) {
            newer = found;
            evidence.push(row(boot, `format ${formatVersion}`, `format ${found}`));
          }
        }
        const last = names
          .filter((name) => SEGMENT.test(name))
          .sort()
          .at(-1);
        if (last === undefined) continue;
        const path = `${directory}/${shard}/${last}`;
        const file = await disk.open(path, 'read');
        const head = Buffer.alloc(headerBytes);
        const length = await file.read(head, 0, headerBytes, 0);
        await file.close();
        // The version is where it was in every format; the rest of the header may not be.
        const version = readSegmentHeader(head)?.version ?? (length >= headerBytes ? head.readUInt32LE(VERSION_AT) : 0);
        evidence.push(row(path, `format ${formatVersion}`, `format ${version}`));
        if (version > formatVersion) newer = version;
      }
    } catch (error) {
      if (errnoOf(error) === 'EACCES')
        return unknown(`this user may not read ${directory}; run it as root or as the service user`, evidence);
      throw error;
    }
    if (newer === undefined && damaged !== undefined)
      return unhealthy(
        `${damaged}, which says where the next start counts its messages from, is damaged: the messages are there, and this part of the queue cannot be opened without it.`,
        {
          // No service has been started as often; a number twice would be two messages of one name.
          cure: `printf 'format ${formatVersion}\\nshard ${damaged.split('/').at(-2)}\\nnext 100000\\n' > ${damaged}, which is above all that was used; the service goes on by itself`,
          event: 4752,
        },
        [row(damaged, 'format, shard, next', 'something else')],
      );
    if (newer === undefined) return healthy(evidence);
    return unhealthy(
      `The queue has format ${newer}, and this version reads up to format ${formatVersion}: it was written by a newer version.`,
      {
        cure: 'Install the version that wrote it again; its queue must be empty before an older one takes over',
        event: 4752,
      },
      evidence,
    );
  },
});

/** Mailboxes that cannot be written to keep their mail in the queue. */
export const mailboxesWritable = defineCheck({
  id: 'storage.mailboxes-writable',
  number: 207,
  title: 'The service may write into the mailboxes',
  why: 'Mail for a mailbox that cannot be written to waits in the queue, and is returned when it expires.',
  needs: ['settings', 'host', 'service'],
  after: ['storage.data-directory', 'host.service-user'],
  cost: 'host',
  async look({ settings, host, service }) {
    const all = mailboxPlaces(settings).flatMap(({ mailbox, maildir }) =>
      maildir === undefined ? [] : [{ mailbox, path: maildir }],
    );
    if (all.length === 0) return notApplicable('no mailbox is kept in files');
    const who = await serviceIdentity({ settings, host, service });
    if (who === undefined) return unknown('it cannot be seen which user the service works as');
    const evidence: Evidence[] = [];
    const closed: string[] = [];
    let unseen = 0;
    for (const { mailbox, path } of all.slice(0, sampleMax * 4)) {
      const place = await nearest(host, path);
      if (place === undefined) {
        unseen += 1;
        continue;
      }
      if (place.file.kind === 'directory' && (await mayMakeIn(host, who, place.path, place.file))) continue;
      if (evidence.length < evidenceMax)
        evidence.push(
          row(
            `${place.path} for ${mailbox}`,
            `${who.words} may write`,
            `uid ${place.file.uid}, mode ${showMode(place.file.mode)}`,
          ),
        );
      if (!closed.includes(place.path)) closed.push(place.path);
    }
    if (closed.length > 0)
      return unhealthy(
        `${who.words} may not write into ${closed.slice(0, 3).join(', ')}${closed.length > 3 ? ` and ${closed.length - 3} more` : ''}: mail for these mailboxes waits.`,
        { cure: `chown -R ${who.uid}:${who.gids[0] ?? who.uid} ${closed.slice(0, 3).join(' ')}` },
        evidence,
      );
    if (unseen > 0) return unknown(`this user may not look at ${unseen} of ${all.length} mailboxes`);
    return healthy([row('mailboxes', 'writable', `${Math.min(all.length, sampleMax * 4)} of ${all.length} looked at`)]);
  },
});

/** The directory itself, or the first one above it that exists, where it will be made. */
async function nearest(
  host: Parts['host'],
  path: string,
): Promise<{ readonly path: string; readonly file: HostFile } | undefined> {
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const read = await host.file(at);
    if (read.ok) return { path: at, file: read.value };
    if (read.errno !== 'ENOENT') return undefined;
  }
  const root = await host.file('/');
  return root.ok ? { path: '/', file: root.value } : undefined;
}
