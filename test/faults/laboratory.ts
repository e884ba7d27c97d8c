import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/root.ts';

const RUN = join(projectRoot, 'test/faults/fault-run.sh');
/** The build that these tests belong to is the one that they run. */
const BUILD = fileURLToPath(new URL('../..', import.meta.url));
/** A run with its waiting and a repair ends well before; then its namespaces go, and everything in them. */
const RUN_SECONDS = 240;

/** Programs that the laboratory runs. */
export const programs: readonly string[] = [
  'unshare',
  'ip',
  'nft',
  'dnsmasq',
  'python3',
  'openssl',
  'socksify',
  'proxychains4',
  'libfaketime',
];

/** Runs one fault in namespaces of its own and resolves with everything that was said. */
export function runFault(id: string, repair: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(RUN, ['-a', 'ims', id], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        FAULT_IMS_HOME: projectRoot,
        FAULT_IMS_DIST: BUILD,
        FAULT_NODE: process.execPath,
        FAULT_LOGLINES: '400',
        FAULT_TIMEOUT: String(RUN_SECONDS),
        ...(repair ? { FAULT_REPAIR: '1' } : {}),
      },
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}
