import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from './needs.ts';
import { listens, type RunningProgram, startProgram } from './programs.ts';

/** A message that smtp-sink wrote down. */
export interface SunkMessage {
  readonly recipients: readonly string[];
  /** Header and body with LF. */
  readonly content: string;
}

/** A running smtp-sink that writes down what it takes. */
export interface SmtpSink {
  readonly port: number;
  readonly program: RunningProgram;
  /** What it took so far; a message that is being written may be among them, cut. */
  messages(): Promise<SunkMessage[]>;
  close(): Promise<void>;
}

/** Starts smtp-sink at a port of loopback, or at a UNIX socket. As root it insists on another user. */
export async function startSmtpSink(
  where: { readonly port: number } | { readonly path: string },
  options: readonly string[] = [],
): Promise<SmtpSink> {
  const directory = await mkdtemp(join(tmpdir(), 'ims-sink-'));
  await chmod(directory, 0o777);
  const at = 'port' in where ? `127.0.0.1:${where.port}` : `unix:${where.path}`;
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const program = startProgram(
    programPath('smtp-sink') ?? 'smtp-sink',
    [...user, '-d', 'mail/m.', ...options, at, '200'],
    { cwd: directory },
  );
  await listens(where);
  return {
    port: 'port' in where ? where.port : 0,
    program,
    async messages() {
      const names = await readdir(join(directory, 'mail')).catch(() => []);
      return Promise.all(
        names.map(async (name) => sunkMessage(await readFile(join(directory, 'mail', name), 'latin1'))),
      );
    },
    async close() {
      await program.end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The dump begins with fields of smtp-sink's own, the last of which is a Received field. */
function sunkMessage(dump: string): SunkMessage {
  const recipients = [...dump.matchAll(/^X-Rcpt-Args: <([^>]*)>/gm)].map((match) => match[1] ?? '');
  const own = /^Received: .*\n(?:[ \t].*\n)*/m.exec(dump);
  return { recipients, content: own === null ? dump : dump.slice(own.index + own[0].length) };
}
