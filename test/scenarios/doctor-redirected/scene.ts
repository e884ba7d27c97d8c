/** In a network namespace of its own: a service whose port leads elsewhere. Writes the verdict of listeners.answer for each redirection. */
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { DoctorReport } from '../../../src/operate/doctor/index.ts';
import type { Verdict } from '../../../src/operate/doctor/verdict.ts';
import { startService } from '../../support/service.ts';

/** What was found while connections to the port went where the name says. */
export type SceneFound = Readonly<Record<'nowhere' | 'submission' | 'foreign' | 'dropped', Verdict | undefined>>;

const FOREIGN_PORT = 2600;

function nft(rules: string): void {
  const { status, stderr } = spawnSync('nft', ['-f', '-'], { input: `flush ruleset\n${rules}`, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
const redirect = (port: number): string => `table ip away {
  chain from {
    type nat hook output priority -100
    tcp dport 25 redirect to :${port}
  }
}
`;

/** It greets exactly as we do. */
const foreign = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.write('220 mail.example.test ESMTP IMS\r\n');
  socket.on('data', () => socket.write('250 2.0.0 OK\r\n'));
});
await new Promise<void>((resolve) => foreign.listen(FOREIGN_PORT, '127.0.0.1', resolve));
const service = await startService(
  (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 2 }
listeners:
  mx: { profile: mx, address: 0.0.0.0, port: 25 }
  submission: { profile: submission, address: 0.0.0.0, port: 587 }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
`,
);

async function look(): Promise<Verdict | undefined> {
  const { stdout } = await service.ims('doctor', '--json', '--only', 'listeners.answer');
  const { findings } = JSON.parse(stdout) as DoctorReport;
  return findings.find(({ id }) => id === 'listeners.answer')?.verdict;
}

try {
  const nowhere = await look();
  nft(redirect(587));
  const submission = await look();
  nft(redirect(FOREIGN_PORT));
  const other = await look();
  nft('table ip away {\n chain from {\n type filter hook output priority 0\n tcp dport 25 drop\n }\n}\n');
  const dropped = await look();
  const found: SceneFound = { nowhere, submission, foreign: other, dropped };
  process.stdout.write(`${JSON.stringify(found)}\n`);
} finally {
  await service.remove();
}
process.exit(0);
