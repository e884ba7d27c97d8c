/** A private Postfix: everything in a directory of its own, on ports that were free a moment ago. It needs root. */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needs, programPath } from './needs.ts';
import { listens, runProgram, startProgram } from './programs.ts';

/** What one instance does. */
export interface PostfixOptions {
  readonly port: number;
  /** A further address of this host on which it listens, and from which it sends. */
  readonly address?: string;
  /** Domains of which every mailbox exists, kept in one Maildir. */
  readonly domains: readonly string[];
  /** Further parameters of main.cf, one a line; a later one wins. */
  readonly parameters?: string;
  /** Files to write beside main.cf, which parameters name as `{dir}/name`. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A running Postfix. */
export interface Postfix {
  readonly port: number;
  readonly directory: string;
  /** The messages in its Maildir, in no order. */
  mail(): Promise<string[]>;
  log(): Promise<string>;
  /** Ends it and removes its directory. */
  remove(): Promise<void>;
}

const QUEUE_DIRECTORIES =
  'active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace'.split(' ');

/** Services of master.cf, none of them in a chroot. */
const SERVICES = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;

/** The `skip` of tests that start a Postfix. */
export function needsPostfix(): false | string {
  return needs('postfix', 'postconf') || (process.getuid?.() === 0 ? false : 'needs root, to start Postfix');
}

/** Starts an instance and waits until it listens. */
export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const directory = await mkdtemp(join(tmpdir(), 'ims-postfix-'));
  const spool = join(directory, 'spool');
  const [uid, gid] = await Promise.all([idOf('-u', 'postfix'), groupOf('postdrop')]);
  await chmod(directory, 0o755);
  for (const name of ['etc', 'data', 'mail', 'spool', ...[...QUEUE_DIRECTORIES, 'pid'].map((each) => `spool/${each}`)])
    await mkdir(join(directory, name));
  for (const name of QUEUE_DIRECTORIES) {
    const mailDrop = name === 'maildrop' || name === 'public';
    await chown(join(spool, name), uid, mailDrop ? gid : 0);
    await chmod(join(spool, name), name === 'maildrop' ? 0o730 : name === 'public' ? 0o710 : 0o700);
  }
  for (const name of ['data', 'mail']) await chown(join(directory, name), uid, 0);
  const etc = join(directory, 'etc');
  for (const [name, text] of Object.entries(options.files ?? {}))
    await writeFile(join(etc, name), text, { mode: 0o600 });
  await writeFile(join(etc, 'main.cf'), await mainCf(options, directory, uid));
  const six = options.address?.includes(':') === true;
  const listeners = [six ? '[::1]' : '127.0.0.1', ...(options.address === undefined ? [] : [options.address])];
  const inet = listeners
    .map((address) => `${address.replace(/^[^[]*:.*$/, '[$&]')}:${options.port} inet n - n - - smtpd\n`)
    .join('');
  await writeFile(join(etc, 'master.cf'), `${inet}${SERVICES}`);
  await writeFile(join(etc, 'dynamicmaps.cf'), '');
  const master = startProgram(programPath('master') ?? 'master', ['-c', etc, '-d'], { env: { MAIL_CONFIG: etc } });
  const postfix: Postfix = {
    port: options.port,
    directory,
    log: () => readFile(join(directory, 'maillog'), 'utf8').catch(() => ''),
    async mail() {
      const folder = join(directory, 'mail/all/new');
      const names = await readdir(folder).catch(() => []);
      return Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
    },
    async remove() {
      await master.end();
      await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
  try {
    await listens({ port: options.port, ...(six ? { address: '::1' } : {}) });
  } catch (error) {
    const log = `${master.output}${await postfix.log()}`;
    await postfix.remove();
    throw new Error(`Postfix does not start: ${log}`, { cause: error });
  }
  return postfix;
}

async function mainCf(options: PostfixOptions, directory: string, uid: number): Promise<string> {
  const daemons = join(programPath('master') ?? '', '..');
  const merged = new Map<string, string>();
  const text = `compatibility_level = 3.6
queue_directory = ${directory}/spool
data_directory = ${directory}/data
daemon_directory = ${daemons}
meta_directory = ${directory}/etc
command_directory = /usr/sbin
maillog_file = ${directory}/maillog
maillog_file_prefixes = /
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = ${options.address?.includes(':') === true ? '::1' : '127.0.0.1'}${options.address === undefined ? '' : `, ${options.address}`}
inet_protocols = ${options.address?.includes(':') === true ? 'all' : 'ipv4'}
myhostname = postfix.test
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8, [::1]/128
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tls_security_level = none
smtpd_tls_security_level = none
default_transport = error:5.1.2 no mail leaves this test
virtual_mailbox_domains = ${options.domains.join(', ')}
virtual_mailbox_base = ${directory}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${uid}
virtual_minimum_uid = 1
smtputf8_enable = yes
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
in_flow_delay = 0
${(options.parameters ?? '').replaceAll('{dir}', `${directory}/etc`)}`;
  for (const line of text.split('\n')) {
    const [name = '', ...value] = line.split('=');
    if (name.trim() !== '') merged.set(name.trim(), value.join('=').trim());
  }
  return [...merged].map(([name, value]) => `${name} = ${value}\n`).join('');
}

async function idOf(option: '-u' | '-g', user: string): Promise<number> {
  const { code, output } = await runProgram('id', [option, user]);
  if (code !== 0) throw new Error(output);
  return Number(output);
}

async function groupOf(name: string): Promise<number> {
  const groups = await readFile('/etc/group', 'utf8');
  const line = groups.split('\n').find((each) => each.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`there is no group ${name}`);
  return Number(line.split(':')[2]);
}
