import { Option, type Command } from 'commander';
import type { ComparedRecord, RecordState } from '../../records/index.ts';
import { canonicalIp } from '../../../base/ip.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { plain } from '../text.ts';

interface DnsOptions {
  readonly address?: readonly string[];
  readonly zone?: boolean;
  readonly mtaSts?: boolean;
}

const COLOURS = { published: 'green', different: 'red', missing: 'red', unknown: 'yellow' } as const;
const ORDER: readonly RecordState[] = ['missing', 'different', 'unknown', 'published'];

/** Something that others need is not there. */
const isAmiss = ({ state, need }: ComparedRecord): boolean =>
  need !== 'optional' && (state === 'missing' || state === 'different');

function recordLines(session: CliSession, record: ComparedRecord): readonly string[] {
  const { state, type, name, need, why, zoneLine, zone, seen } = record;
  const head = `${session.paint(COLOURS[state], state.padEnd(9))}  ${session.paint('bold', `${type} of ${plain(name)}`)}`;
  if (state === 'published') return [`${head}: ${plain(seen)}`];
  const action = zone === 'provider' ? 'ask for' : 'publish';
  return [
    '',
    `${head} (${need})`,
    `  ${action}   ${plain(zoneLine)}`,
    ...(zone === 'provider' ? ['  where     whoever owns the address, usually your provider, enters it'] : []),
    ...(seen === '' ? [] : [`  seen      ${plain(seen)}`]),
    `  why       ${why}`,
  ];
}

const sentenceOf = (records: readonly ComparedRecord[]): string => {
  const amiss = records.filter(isAmiss).length;
  const published = records.filter(({ state }) => state === 'published').length;
  const rest = `${published} of ${records.length} records are there`;
  return amiss === 0
    ? `Nothing that others need is missing; ${rest}.`
    : `${amiss} that others need ${amiss === 1 ? 'is' : 'are'} missing or different; ${rest}.`;
};

async function runDns(session: CliSession, command: Command): Promise<void> {
  const options = globals<DnsOptions>(command);
  const { io } = session;
  const host = await io.host?.();
  if (host === undefined) return session.fail(exitCodes.failed, 'this program cannot look at the host', command);
  const addresses = options.address?.map((text) => canonicalIp(text) ?? '');
  if (addresses?.includes('') === true) return session.fail(exitCodes.usage, '--address takes an IP address', command);
  const path = await findConfigurationFile(io, options.config);
  if (path === undefined) return session.fail(exitCodes.usage, noConfigurationText(), command);
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const file = await loadConfigurationFile(io.world.disk, path);
  if (!file.loaded.ok)
    return session.fail(exitCodes.negative, `${path} has errors; \`ims config check\` shows them`, command);
  const { settings } = file.loaded;
  const { compareRecord, mtaStsPolicy, recordsToPublish } = await import('../../records/index.ts');
  const { publishingFacts } = await import('../../records/facts.ts');
  const { makeParts } = await import('../../doctor/parts.ts');
  const stamp = new Date(io.world.clock.wall()).toISOString().replace(/\D/g, '').slice(0, 14);
  const facts = await publishingFacts(
    settings,
    { host, disk: io.world.disk },
    { ...(addresses === undefined ? {} : { addresses }), ...(options.mtaSts === true ? { mtaStsId: stamp } : {}) },
  );
  const { resolver } = await makeParts(file, host, io.world);
  if (resolver === undefined) return session.fail(exitCodes.failed, 'there is no resolver', command);
  const sent = facts.sending === 'direct' ? facts.addresses : [];
  const records = await Promise.all(recordsToPublish(facts).map((record) => compareRecord(resolver, record, sent)));
  session.code = records.some(isAmiss) ? exitCodes.negative : exitCodes.ok;
  if (options.json === true) return session.json({ server: facts.serverName, records });
  const shown = ORDER.flatMap((state) => records.filter((record) => record.state === state));
  if (options.zone === true) {
    for (const { state, zoneLine, need } of shown)
      if (state !== 'published') session.print(`${plain(zoneLine)} ; ${need}`);
    return;
  }
  session.print(`${session.paint('bold', plain(facts.serverName))}: ${sentenceOf(records)}`);
  for (const record of shown) for (const line of recordLines(session, record)) session.print(line);
  if (options.mtaSts === true)
    for (const domain of facts.domains)
      session.print(`\nServe at https://mta-sts.${domain}/.well-known/mta-sts.txt:\n${mtaStsPolicy(facts)}`);
  if (facts.addresses.length === 0)
    session.print('\nThe public address of this host cannot be seen from here; give it with --address.');
}

/** dns. */
export function dnsCommands(root: Command, session: CliSession): void {
  root
    .command('dns')
    .description('the DNS records that this server needs, as text to publish, and which are there; changes nothing')
    .addOption(new Option('--address <ip...>', 'public addresses of this server, where it stands behind a translation'))
    .addOption(new Option('--zone', 'only the lines for a zone file, of what is not there'))
    .addOption(new Option('--mta-sts', 'propose MTA-STS too: its record and its policy file'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims dns\n  ims dns --address 203.0.113.7\n  ims dns --zone >> db.example.com\n  ims dns --json | jq \'.records[] | select(.state != "published")\'\n\nExit code: 0 nothing that others need is missing, 1 something is.',
    )
    .action((_options: unknown, command: Command) => runDns(session, command));
}
