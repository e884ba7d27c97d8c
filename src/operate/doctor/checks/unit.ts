import type { Host } from '../../../world/ports/host.ts';
import { defineCheck } from '../check.ts';
import { identityOf } from '../facts/users.ts';
import { healthy, notApplicable, row, unhealthy, type Evidence } from '../verdict.ts';

const PLACES = [
  '/etc/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
/** The name of this service for systemd. */
export const UNIT = 'ims.service';

/** What a unit of systemd starts; parts that it does not say, or says by specifiers only, are left out. */
export function startedBy(text: string): {
  readonly program?: string;
  readonly configuration?: string;
  readonly user?: string;
} {
  const value = (key: string): string | undefined =>
    [...text.matchAll(new RegExp(`^${key}=[-@:+!]*(.+)$`, 'gm'))].at(-1)?.[1]?.trim();
  // systemd makes such a user for the time of the service.
  const dynamic = /^(?:yes|true|on|1)$/i.test(value('DynamicUser') ?? '');
  const words = (value('ExecStart')?.match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ''));
  const at = words.findIndex((word) => word === '--config' || word === '-c');
  const configuration = at === -1 ? words.find((word) => word.startsWith('--config='))?.slice(9) : words[at + 1];
  const plain = (key: string, path: string | undefined): object =>
    path === undefined || /%(?!%)/.test(path.replaceAll('%%', '')) ? {} : { [key]: path.replaceAll('%%', '%') };
  return {
    ...plain('program', words[0]),
    ...plain('configuration', configuration),
    ...(dynamic ? {} : plain('user', value('User'))),
  };
}

/** What an administrator has put beside the unit (systemctl edit): the last word of each key counts. */
async function addedTo(host: Host): Promise<string> {
  const texts: string[] = [];
  for (const place of [...PLACES].reverse()) {
    const names = await host.names(`${place}/${UNIT}.d`);
    for (const name of names.ok ? [...names.value].filter((one) => one.endsWith('.conf')).sort() : []) {
      const text = await host.text(`${place}/${UNIT}.d/${name}`);
      if (text.ok) texts.push(text.value);
    }
  }
  return texts.join('\n');
}

/** The unit of this service that systemd knows. */
export async function findUnit(host: Host): Promise<{ readonly path: string; readonly text: string } | undefined> {
  for (const place of PLACES) {
    const text = await host.text(`${place}/${UNIT}`);
    if (text.ok) return { path: `${place}/${UNIT}`, text: `${text.value}\n${await addedTo(host)}` };
  }
  return undefined;
}

/** A half of an installation that was removed starts nothing at the next boot, and nobody is told. */
export const unitWhole = defineCheck({
  id: 'service.unit',
  number: 304,
  title: 'What the unit of systemd starts is there',
  why: 'A unit that was left behind, or whose program, configuration or user was removed, fails at the next start of the host.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const unit = await findUnit(host);
    if (unit === undefined) return notApplicable(`this host has no unit ${UNIT} of systemd`);
    const { program, configuration, user } = startedBy(unit.text);
    const evidence: Evidence[] = [];
    const missing: { readonly what: string; readonly make: string }[] = [];
    const there = async (what: string, path: string | undefined, make: string): Promise<void> => {
      if (path === undefined || !path.startsWith('/')) return;
      const file = await host.file(path);
      const gone = !file.ok && (file.errno === 'ENOENT' || file.errno === 'ENOTDIR');
      evidence.push(row(what, 'is there', gone ? `${path}: does not exist` : path));
      if (gone) missing.push({ what: `${what} ${path}`, make });
    };
    await there('its program', program, `Install ims again so that ${program} is there`);
    await there('its configuration', configuration, `ims setup --config ${configuration}`);
    if (user !== undefined) {
      const known = (await identityOf(host, user)) !== undefined;
      evidence.push(row('its user', 'exists', known ? user : `${user}: does not exist`));
      if (!known)
        missing.push({ what: `its user ${user}`, make: `useradd --system --shell /usr/sbin/nologin ${user}` });
    }
    const [first] = missing;
    if (first === undefined) return healthy(evidence);
    return unhealthy(
      `${unit.path} starts what is not there any more: ${missing.map(({ what }) => what).join(', ')}.`,
      {
        cure: `${first.make}; or, where this host is no mail server any more: systemctl disable --now ims; rm ${unit.path}; systemctl daemon-reload`,
      },
      evidence,
    );
  },
});
