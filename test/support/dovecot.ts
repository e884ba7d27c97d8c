/** A private Dovecot that takes mail by LMTP, over TCP and a UNIX socket. It needs root. */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needs, programPath } from './needs.ts';
import { listens, runProgram, startProgram } from './programs.ts';

/** A running Dovecot. */
export interface Dovecot {
  /** Port of LMTP over TCP. */
  readonly port: number;
  /** Path of LMTP over a UNIX socket. */
  readonly path: string;
  /** Path of a socket where a Postfix can ask about logins. */
  readonly authentication: string;
  /** The messages in a mailbox's Maildir. */
  mail(user: string): Promise<string[]>;
  log(): Promise<string>;
  /** Ends it and removes its directory. */
  remove(): Promise<void>;
}

/** The `skip` of tests that start a Dovecot. */
export function needsDovecot(): false | string {
  return needs('dovecot', 'lmtp') || (process.getuid?.() === 0 ? false : 'needs root, to start Dovecot');
}

/** The password of every mailbox. */
export const dovecotPassword = 'dove cot';

/** Starts an instance with mailboxes for the addresses, and waits until it listens. */
export async function startDovecot(port: number, addresses: readonly string[]): Promise<Dovecot> {
  // Short, because the path of a socket has at most 107 octets.
  const directory = await mkdtemp(join(tmpdir(), 'ims-dc-'));
  await chmod(directory, 0o755);
  const id = async (option: string): Promise<number> => Number((await runProgram('id', [option, 'nobody'])).output);
  const [uid, gid] = [await id('-u'), await id('-g')];
  await mkdir(join(directory, 'mail'));
  await chown(join(directory, 'mail'), uid, gid);
  await writeFile(
    join(directory, 'users'),
    addresses
      .map((address) => `${address}:{PLAIN}${dovecotPassword}:${uid}:${gid}::${directory}/mail/${address}::\n`)
      .join(''),
  );
  await writeFile(join(directory, 'dovecot.conf'), configuration(directory, port, uid));
  const program = startProgram(programPath('dovecot') ?? 'dovecot', ['-F', '-c', join(directory, 'dovecot.conf')]);
  const path = join(directory, 'lmtp');
  const dovecot: Dovecot = {
    port,
    path,
    authentication: join(directory, 'authentication'),
    log: () => readFile(join(directory, 'log'), 'utf8').catch(() => ''),
    async mail(user) {
      const folder = join(directory, 'mail', user, 'Maildir/new');
      const names = await readdir(folder).catch(() => []);
      return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    },
    async remove() {
      await program.end();
      await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
  try {
    await listens({ port });
    await listens({ path });
  } catch (error) {
    const log = `${program.output}${await dovecot.log()}`;
    await dovecot.remove();
    throw new Error(`Dovecot does not start: ${log}`, { cause: error });
  }
  return dovecot;
}

function configuration(directory: string, port: number, uid: number): string {
  return `protocols = lmtp
base_dir = ${directory}/run
state_dir = ${directory}/state
log_path = ${directory}/log
ssl = no
mail_location = maildir:~/Maildir
first_valid_uid = ${Math.min(uid, 1000)}
last_valid_uid = 0
hostname = dovecot.test
postmaster_address = postmaster@dovecot.test
recipient_delimiter = +
passdb {
  driver = passwd-file
  args = ${directory}/users
}
userdb {
  driver = passwd-file
  args = ${directory}/users
}
auth_mechanisms = plain login
service auth {
  unix_listener ${directory}/authentication {
    mode = 0666
  }
}
service lmtp {
  unix_listener ${directory}/lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
}
`;
}
