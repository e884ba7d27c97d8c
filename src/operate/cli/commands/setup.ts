import { dirname, join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { errnoOf } from '../../../events/fault.ts';
import type { Host } from '../../../world/ports/host.ts';
import type { Answers, Given, Interviewed, Known, Owner } from '../../setup/index.ts';
import { isIp } from '../../config/addresses.ts';
import { exitCodes } from '../exit-codes.ts';
import { Prompt } from '../prompt.ts';
import { type CliSession, globals } from '../session.ts';
import type { SetUp } from '../setup/result.ts';
import { plain } from '../text.ts';

interface SetupOptions {
  readonly hostname?: string;
  readonly domain?: readonly string[];
  readonly mailbox?: readonly string[];
  readonly send?: string;
  readonly sendUser?: string;
  readonly sendPasswordFile?: string;
  readonly gatewayKey?: string;
  readonly gatewayHostKey?: string;
  readonly certificate?: string;
  readonly data?: string;
  readonly user?: string;
  readonly address?: readonly string[];
  readonly ports?: string;
  readonly console?: string;
  readonly replace?: boolean;
  readonly probe?: string;
  readonly yes?: boolean;
  readonly systemd?: boolean;
  readonly dkim: boolean;
  readonly doctor: boolean;
}

/** One run of the set-up: what its steps share. */
interface Run {
  readonly session: CliSession;
  readonly command: Command;
  readonly options: SetupOptions & { readonly json?: boolean };
  readonly host: Host;
  readonly path: string;
  readonly known: Known;
  readonly given: Given;
  /** Where there is a person. */
  readonly prompt: Prompt | undefined;
  probe(domain: string): Promise<string>;
}

const ROOT_FILE = '/etc/ims/ims.yaml';
const ROOT_DATA = '/var/lib/ims';
const PROBE_DOMAIN = 'gmail.com';
const NOTHING = 'nothing was changed';

function filePath(session: CliSession, command: Command, root: boolean): string {
  const named = globals(command).config ?? session.io.environment['IMS_CONFIG'];
  if (named !== undefined && named !== '') return resolve(named);
  return root ? ROOT_FILE : resolve('ims.yaml');
}

async function givenBy(session: CliSession, options: SetupOptions): Promise<Given> {
  const {
    hostname,
    send,
    sendUser,
    gatewayKey,
    gatewayHostKey,
    certificate,
    data,
    user,
    ports,
    console: place,
  } = options;
  const file = options.sendPasswordFile;
  const password =
    file === undefined ? undefined : (await session.io.world.disk.readFile(file)).toString('utf8').split(/\r?\n/, 1)[0];
  const texts = {
    hostname,
    domain: options.domain?.join(','),
    mailbox: options.mailbox?.join(','),
    send,
    sendUser,
    sendPassword: password,
    gatewayKey,
    gatewayHostKey,
    certificate,
    data,
    user,
    address: options.address?.join(','),
    ports,
    console: place,
  };
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined));
}

async function begin(session: CliSession, command: Command): Promise<Run | undefined> {
  const options = globals<SetupOptions>(command);
  const { io } = session;
  const host = await io.host?.();
  if (host === undefined) {
    session.fail(exitCodes.failed, 'this program cannot look at the host', command);
    return undefined;
  }
  const { findNameServers } = await import('../../doctor/parts.ts');
  const { identityOf } = await import('../../doctor/facts/users.ts');
  const { createResolver } = await import('../../../transport/resolver/resolver.ts');
  const { lookAtHost, probePort25 } = await import('../../setup/index.ts');
  const { servers } = await findNameServers(host, undefined);
  const resolver = createResolver({ world: io.world, servers, settings: { timeout: 1200, tries: 2, cacheMax: 100 } });
  const found = await lookAtHost({ host, clock: io.world.clock, resolver });
  const path = filePath(session, command, found.root);
  const person = io.stdin.isTTY === true && io.stdout.isTTY === true && options.json !== true;
  return {
    session,
    command,
    options,
    host,
    path,
    known: {
      found,
      usualData: found.root ? ROOT_DATA : join(dirname(path), 'data'),
      userExists: async (name) => (await identityOf(host, name)) !== undefined,
    },
    given: await givenBy(session, options),
    prompt: person ? new Prompt(io) : undefined,
    probe: async (domain) =>
      (await probePort25(domain, { network: io.world.network, clock: io.world.clock, resolver })).sentence,
  };
}

/** Port 25 elsewhere is tried with consent only. */
async function probeWith({ session, options, prompt, probe }: Run): Promise<void> {
  let domain = options.probe;
  if (domain === undefined && prompt !== undefined && options.yes !== true) {
    const question = `  Test whether port 25 is open outwards? It connects to the mail host of ${PROBE_DOMAIN}, and sends no mail.`;
    if ((await prompt.confirm(question, true)) === true) domain = PROBE_DOMAIN;
  }
  if (domain !== undefined && options.json !== true) session.print(`  ${plain(await probe(domain))}`);
}

async function ask(run: Run): Promise<Interviewed> {
  const { interview } = await import('../../setup/index.ts');
  const { askPerson } = await import('../setup/asking.ts');
  const { session, prompt, known, given, options } = run;
  const suggestionsTaken = options.yes === true;
  if (prompt === undefined) {
    if (options.probe !== undefined) await probeWith(run);
    return interview(known, given, { ask: undefined, say: () => undefined, suggestionsTaken });
  }
  session.print(
    'This makes a configuration of the Internet Mail Service. Enter takes the answer in brackets, Ctrl-C leaves.',
  );
  const person = askPerson({ session, prompt, known, beforeSend: () => probeWith(run) });
  return interview(known, given, { ...person, suggestionsTaken });
}

/** Says what keeps a set-up without a person from going on, all of it at once. */
function sayProblems(
  { session, command, options }: Run,
  { missing, problems }: Interviewed & { kind: 'problems' },
): void {
  session.code = exitCodes.usage;
  if (options.json === true) return session.json({ error: NOTHING, missing, problems, exitCode: session.code });
  for (const problem of problems) session.fail(exitCodes.usage, plain(problem), command);
  if (missing.length === 0) return;
  session.fail(exitCodes.usage, `there is no terminal to ask on, so these options are missing; ${NOTHING}:`);
  const width = Math.max(...missing.map(({ option }) => option.length));
  for (const { option, asks, suggestion } of missing) {
    const usual = suggestion === undefined ? '' : ` (${suggestion}, taken with --yes)`;
    session.io.stderr.write(`  ${option.padEnd(width)}  ${asks}${plain(usual)}\n`);
  }
}

/** Whether an existing configuration may be replaced, and all be written. */
async function consent({ session, command, options, path, prompt }: Run): Promise<boolean> {
  const exists = (await session.io.world.disk.entry(path)) !== undefined;
  if (exists && options.replace !== true && prompt === undefined) {
    session.fail(
      exitCodes.negative,
      `${path} exists; --replace puts the new one in its place and keeps the old one beside it`,
      command,
    );
    return false;
  }
  if (prompt === undefined || (options.yes === true && (!exists || options.replace === true))) return true;
  const question = exists
    ? `\n${path} exists. Put the new one in its place? The old one is kept beside it.`
    : `\nWrite ${path}?`;
  if ((await prompt.confirm(question, !exists)) === true) return true;
  session.fail(exitCodes.negative, NOTHING, command);
  return false;
}

async function ownerOf({ session, host, known }: Run, answers: Answers): Promise<Owner | undefined> {
  const { identityOf } = await import('../../doctor/facts/users.ts');
  const changes = await session.io.changes?.();
  if (answers.user === undefined || !known.found.root || changes === undefined) return undefined;
  const identity = await identityOf(host, answers.user);
  if (identity === undefined) return undefined;
  return { uid: identity.uid, gid: identity.gids[0] ?? 0, set: (path, uid, gid) => changes.setOwner(path, uid, gid) };
}

/** The addresses that others see, as far as they are known: behind a gateway those of the gateway. */
function addressesOf({ send }: Answers, { found }: Known): readonly string[] {
  if (send.kind === 'gateway') return isIp(send.host) ? [send.host] : [];
  return found.addresses.filter((one) => one.public).map(({ address }) => address);
}

async function make(run: Run, answers: Answers): Promise<SetUp | undefined> {
  const { session, command, options, path, known } = run;
  const { io } = session;
  const { keysFor, placeConfiguration, PASSWORD_OCTETS, unitText } = await import('../../setup/index.ts');
  const { recordsToPublish } = await import('../../records/index.ts');
  const { printProblem } = await import('../../config/index.ts');
  const passwords = answers.mailboxes.map((mailbox) => ({
    mailbox,
    password: io.world.random.bytes(PASSWORD_OCTETS).toString('base64url'),
  }));
  const hashes: { mailbox: string; hash: string }[] = [];
  for (const { mailbox, password } of passwords) hashes.push({ mailbox, hash: await io.hashPassword(password) });
  const owner = await ownerOf(run, answers);
  const { disk, clock } = io.world;
  const where = { disk, directory: dirname(path), nowMs: clock.wall() };
  const keys = options.dkim ? await keysFor(answers.domains, where) : [];
  const placed = await placeConfiguration({
    disk: io.world.disk,
    nowMs: io.world.clock.wall(),
    path,
    answers,
    hashes,
    keys,
    owner,
  });
  if (!placed.ok) {
    session.fail(exitCodes.negative, `${placed.problems.map(printProblem).join('\n')}\n${NOTHING}`, command);
    return undefined;
  }
  const program =
    io.programDirectory === undefined ? '/opt/ims/bin/ims' : resolve(io.programDirectory, '../../../bin/ims');
  const records = recordsToPublish({
    serverName: answers.hostname,
    domains: answers.domains,
    addresses: addressesOf(answers, known),
    dkimKeys: keys.map(({ domain, selector, key: { algorithm, published } }) => ({
      domain,
      selector,
      algorithm,
      key: published,
    })),
    sending: answers.send.kind === 'smarthost' ? 'smart-host' : 'direct',
  });
  return {
    file: placed.path,
    kept: placed.kept,
    passwords,
    warnings: placed.warnings.map(printProblem),
    records,
    ...(options.systemd === true ? { unit: unitText({ answers, program, configuration: placed.path }) } : {}),
  };
}

async function examineAfter({ session, host, options }: Run, file: string): Promise<SetUp['doctor']> {
  if (!options.doctor) return undefined;
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { examine, makeParts } = await import('../../doctor/index.ts');
  const { world } = session.io;
  return examine(await makeParts(await loadConfigurationFile(world.disk, file), host, world), world.clock);
}

async function setUp(run: Run): Promise<void> {
  const { session, command, options } = run;
  const asked = await ask(run);
  if (asked.kind === 'left') return session.fail(exitCodes.negative, NOTHING, command);
  if (asked.kind === 'problems') return sayProblems(run, asked);
  if (!(await consent(run))) return;
  const made = await make(run, asked.answers);
  if (made === undefined) return;
  const doctor = await examineAfter(run, made.file);
  const whole = doctor === undefined ? made : { ...made, doctor };
  if (options.json === true) return session.json(whole);
  const { showSetUp } = await import('../setup/result.ts');
  await showSetUp(session, whole, asked.answers);
}

async function runSetup(session: CliSession, command: Command): Promise<void> {
  let run: Run | undefined;
  try {
    run = await begin(session, command);
    if (run !== undefined) await setUp(run);
  } catch (error) {
    const errno = errnoOf(error);
    if (!/^E[A-Z]+$/.test(errno) || !(error instanceof Error)) throw error;
    session.fail(
      errno === 'EACCES' || errno === 'EPERM' ? exitCodes.notPermitted : exitCodes.failed,
      error.message,
      command,
    );
  } finally {
    await run?.prompt?.end();
  }
}

const EXAMPLES = `
Examples:
  ims setup                                             asks everything, and says what each answer means
  ims setup --yes --hostname mail.example.com --domain example.com --mailbox alice --mailbox bob
  ims setup --yes --hostname mail.example.com --domain example.com --mailbox alice \\
    --send smarthost=smtp.provider.example:587 --send-user alice --send-password-file /root/provider --json

Without a terminal nothing is asked: what is missing is named. --yes takes what the questions suggest.
Passwords of mailboxes are made and shown once. Exit code: 0 written, 1 not written, 2 an option is missing or wrong.`;

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

/** setup. */
export function setupCommands(root: Command, session: CliSession): void {
  root
    .command('setup')
    .description(
      'make a configuration: asks for what it needs, looks at the host for the rest, ends with the DNS records to publish',
    )
    .addOption(new Option('--hostname <name>', 'the full name that this server greets with'))
    .addOption(new Option('--domain <name>', 'a domain to receive mail for; repeatable').argParser(collect))
    .addOption(new Option('--mailbox <address>', 'a mailbox; repeatable').argParser(collect))
    .addOption(
      new Option(
        '--send <way>',
        'direct, smarthost=HOST:PORT, proxy=socks5://HOST:PORT, proxy=http://HOST:PORT or gateway=USER@HOST',
      ),
    )
    .addOption(new Option('--send-user <name>', 'the login at the smart host or proxy, or none'))
    .addOption(new Option('--send-password-file <file>', 'a file whose first line is the password for it'))
    .addOption(new Option('--gateway-key <file>', 'the private key to log in at the gateway'))
    .addOption(new Option('--gateway-host-key <print>', 'the fingerprint of its host key (SHA256:...), or later'))
    .addOption(new Option('--certificate <files>', 'self-signed, or /path/fullchain.pem,/path/privkey.pem'))
    .addOption(new Option('--data <directory>', 'queue, mailboxes and events'))
    .addOption(new Option('--user <name>', 'the user to work as when started as root, or none'))
    .addOption(new Option('--address <address>', 'an address to listen on; repeatable; all').argParser(collect))
    .addOption(new Option('--ports <three>', 'ports for servers, users, and users with TLS at once: 25,587,465'))
    .addOption(
      new Option('--console <place>', 'where a browser on this host finds the console: 127.0.0.1:8026, or none'),
    )
    .addOption(new Option('--replace', 'put the new one in the place of an existing configuration, which is kept'))
    .addOption(new Option('--probe <domain>', 'test whether port 25 is open outwards, at the mail host of this domain'))
    .addOption(new Option('--yes', 'take what would be suggested for what is not given'))
    .addOption(new Option('--systemd', 'print a unit for systemd, too'))
    .addOption(new Option('--no-dkim', 'make no keys that sign mail which leaves'))
    .addOption(new Option('--no-doctor', 'do not examine the host at the end'))
    .addHelpText('after', EXAMPLES)
    .action((_options: unknown, command: Command) => runSetup(session, command));
}
