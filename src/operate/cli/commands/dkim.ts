import { dirname, join, relative, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { errnoOf } from '../../../events/fault.ts';
import { domainKey } from '../../../mail/mailbox.ts';
import type { Settings } from '../../../settings/index.ts';
import { isDomain } from '../../config/addresses.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { plain } from '../text.ts';

interface NewOptions {
  readonly selector?: string;
  readonly algorithm: 'rsa' | 'ed25519';
  readonly keyFile?: string;
}

const KEY_MODE = 0o600;
const DIRECTORY_MODE = 0o750;

/** Made by root, the key becomes the service's: of the owner of its data, or of the user that it is told to work as. */
async function giveToService({ io }: CliSession, { server }: Settings, paths: readonly string[]): Promise<void> {
  if (io.host === undefined || io.changes === undefined) return;
  const [host, changes] = await Promise.all([io.host(), io.changes()]);
  if (host.self.uid !== 0) return;
  const data = await changes.entry(server.data);
  let owner: { readonly uid: number; readonly gid: number } | undefined =
    data.ok && data.value.uid !== 0 ? data.value : undefined;
  if (owner === undefined && server.user !== undefined) {
    const { identityOf } = await import('../../doctor/facts/users.ts');
    const identity = await identityOf(host, server.user, server.group);
    if (identity !== undefined) owner = { uid: identity.uid, gid: identity.gids[0] ?? 0 };
  }
  if (owner === undefined) return;
  for (const path of paths) await changes.setOwner(path, owner.uid, owner.gid);
}

async function runNew(session: CliSession, command: Command, name: string): Promise<void> {
  const { selector: wanted, algorithm, keyFile, config, json } = globals<NewOptions>(command);
  const { io } = session;
  const { disk, clock } = io.world;
  const domain = domainKey(name.toLowerCase().replace(/\.$/, ''));
  if (!isDomain(domain)) return session.fail(exitCodes.usage, `'${plain(name)}' is no domain name`, command);
  const { makeKey, usualKeyFile, usualSelector } = await import('../../records/new-key.ts');
  const { isSelector } = await import('../../../protocol/dkim-signing/key.ts');
  const selector = wanted ?? usualSelector(clock.wall(), algorithm);
  if (!isSelector(selector))
    return session.fail(exitCodes.usage, `'${plain(selector)}' is no selector: letters, digits, '-' and '.'`, command);
  const file = await findConfigurationFile(io, config);
  if (file === undefined) return session.fail(exitCodes.usage, noConfigurationText(), command);
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { loaded } = await loadConfigurationFile(disk, file);
  const path = resolve(keyFile ?? join(dirname(file), usualKeyFile(domain, selector)));
  if ((await disk.entry(path).catch(() => undefined)) !== undefined)
    return session.fail(
      exitCodes.negative,
      `${path} is there, and is not overwritten; give another --selector: a key is replaced by a new one under a new name`,
      command,
    );
  const { pem, record } = await makeKey(domain, selector, algorithm);
  const fresh = (await disk.entry(dirname(path)).catch(() => undefined)) === undefined;
  try {
    if (fresh) await disk.makeDirectory(dirname(path), DIRECTORY_MODE);
    await disk.replaceFile(path, pem, KEY_MODE);
    if (loaded.ok) await giveToService(session, loaded.settings, fresh ? [dirname(path), path] : [path]);
  } catch (error) {
    const code = errnoOf(error) === 'EACCES' ? exitCodes.notPermitted : exitCodes.failed;
    return session.fail(code, `${path} cannot be written (${errnoOf(error)})`, command);
  }
  const inside = relative(dirname(file), path);
  const shown = inside.startsWith('..') ? path : inside;
  const entry = `{ selector: ${selector}, keyFile: ${shown} }`;
  const domains = loaded.ok ? loaded.settings.domains : {};
  const [key, known] = Object.entries(domains).find(([one]) => domainKey(one.toLowerCase()) === domain) ?? [];
  const others = [known?.dkim ?? []].flat().map((one) => one.selector);
  if (json === true)
    return session.json({ domain, selector, algorithm, keyFile: path, record, settings: { selector, keyFile: shown } });
  session.print(`${session.paint('green', 'Written:')} ${path} (${algorithm}, readable by its owner only)

${session.paint('bold', '1. Publish this record')} (in a form of a provider: the text without quotes and gaps)
${record.zoneLine}

${session.paint('bold', '2. Add the key to the settings')} in ${file}, then: ims reload
domains:
  ${key ?? domain}:
    dkim:${others.length === 0 ? ` ${entry}` : `\n      # beside ${others.join(', ')}, or in place of an old one that nothing on its way was signed with\n      - ${entry}`}

${session.paint('bold', '3. See that others find it')}
ims doctor --only records.dkim`);
  if (known === undefined)
    session.print(
      `\n${session.paint('yellow', 'Note:')} ${file} has no domain ${domain} yet; mail is signed for domains that are there.`,
    );
}

/** dkim. */
export function dkimCommands(root: Command, session: CliSession): void {
  const dkim = root.command('dkim').description('keys that sign mail of our domains (DKIM)');
  dkim
    .command('new')
    .description('make a key: its file, the DNS record to publish, and the settings to add')
    .argument('<domain>', 'the domain of the From fields that it signs for')
    .addOption(new Option('--selector <name>', 'its name in the DNS; by default one with the year'))
    .addOption(
      new Option('--algorithm <kind>', 'rsa is understood everywhere, ed25519 beside it')
        .choices(['rsa', 'ed25519'])
        .default('rsa'),
    )
    .addOption(new Option('--key-file <file>', 'where to write it; by default dkim/ beside the configuration'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims dkim new example.com\n  ims dkim new example.com --algorithm ed25519\n  ims dkim new example.com --selector ims2027     the next key, before the old one goes\n\nExit code: 0 made, 1 there is one already, 4 not permitted.',
    )
    .action((name: string, _options: unknown, command: Command) => runNew(session, command, name));
}
