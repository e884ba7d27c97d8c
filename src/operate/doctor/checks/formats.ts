import { newerSpoolMarker } from '../../config/spool-marker.ts';
import { formatParts, newerIn, readFormats, registerPath } from '../../formats/formats.ts';
import { defineCheck } from '../check.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

/** Everything in the data directory must be of a format that this version knows. */
export const dataFormats = defineCheck({
  id: 'storage.formats',
  number: 290,
  title: 'Everything in the data directory has a format that this version knows',
  why: 'A newer version may have written it: an older program must not guess at its mail, logs and settings.',
  needs: ['settings', 'disk', 'configuration'],
  after: ['storage.data-directory'],
  cost: 'host',
  async look({ settings, disk, configuration }) {
    const { data } = settings.server;
    const sign = await newerSpoolMarker(disk, configuration.path, data);
    if (sign !== undefined)
      return unhealthy(
        `${sign.path} has format ${sign.found}, and this version knows formats up to ${sign.known}: a newer version wrote it.`,
        { cure: 'Start the newer version again (ims verify shows which one this is)', event: 4972 },
        [row(sign.path, `format ${sign.known} or earlier`, `format ${sign.found}`)],
      );
    const found = await readFormats(disk, data);
    if (found.kind === 'none') return notApplicable('the next start writes down the formats');
    if (found.kind === 'unreadable') {
      if (found.why.includes('EACCES')) return unknown(`${found.why}; run it as root or as the service user`);
      return unhealthy(
        `It cannot be seen which version wrote the data directory: ${found.why}.`,
        { cure: `mv ${registerPath(data)} ${registerPath(data)}.damaged; the next start writes it anew`, event: 4972 },
        [row(registerPath(data), 'a register of formats', 'damaged')],
      );
    }
    const { parts, writtenBy } = found.register;
    const evidence = formatParts.map(({ name, known }) =>
      row(`format of ${name}`, `${known} or earlier`, parts[name] === undefined ? 'none yet' : String(parts[name])),
    );
    const newer = newerIn(found.register, data);
    if (newer === undefined) return healthy(evidence);
    const writer = writtenBy === '' ? 'a newer version' : `version ${writtenBy}`;
    return unhealthy(
      `${newer.part} in ${data} has format ${newer.found}, and this version knows formats up to ${newer.known}: ${writer} wrote it.`,
      {
        cure: `Start ${writer} again; to go back, ims settings list shows what it recorded before it changed the format`,
        event: 4972,
      },
      [...evidence, row(newer.part, `format ${newer.known} or earlier`, `format ${newer.found}`)],
    );
  },
});
