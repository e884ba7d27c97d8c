/** Many doctor runs beside a service that runs; writes what they found as JSON. */
import { loadConfigurationFile } from '../../../src/operate/config/load-file.ts';
import { examine, makeParts } from '../../../src/operate/doctor/index.ts';
import { nodeHost } from '../../../src/world/node/host.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import { startService } from '../../support/service.ts';
import { addresses } from './addresses.ts';

/** What came of all runs. */
export interface RunsFound {
  readonly runs: number;
  readonly longestMs: number;
  /** Findings that were not as they should be, with their number. */
  readonly unhealthy: Readonly<Record<string, number>>;
  readonly broken: Readonly<Record<string, number>>;
  readonly unknown: Readonly<Record<string, number>>;
  /** In how many runs each check was healthy. */
  readonly healthy: Readonly<Record<string, number>>;
  /** What the examiner of the service told of. */
  readonly told: readonly string[];
}

const AT_ONCE = 6;
const [, , keyFile = '', wanted = '60'] = process.argv;
const runs = Number(wanted);

const service = await startService(
  (directory) => `server: { name: mail.company.com, data: ${directory}/data }
listeners:
  mx: { profile: mx, address: 0.0.0.0, port: 25 }
  submission: { profile: submission, address: 0.0.0.0, port: 587 }
  mx-by-ipv6: { profile: mx, address: '::', port: 25 }
names: { servers: [${addresses.nameServers.join(', ')}] }
domains:
  company.com:
    mailboxes: { alice: {} }
    aliases: { postmaster: alice, abuse: alice }
    dkim: { selector: s1, keyFile: ${keyFile} }
routing:
  smartHosts: { out: { hosts: [{ host: mx.elsewhere.com }], tls: none } }
  addressSpaces: [{ match: elsewhere.com, via: out }]
doctor: { every: 10s, networkEvery: 30s }
`,
);
const found = { unhealthy: {}, broken: {}, unknown: {} } as Record<string, Record<string, number>>;
const healthy: Record<string, number> = {};
let longestMs = 0;
let left = runs;

async function runOne(): Promise<void> {
  const file = await loadConfigurationFile(nodeWorld.disk, service.configuration);
  const parts = await makeParts(file, nodeHost, nodeWorld, { socket: `${service.directory}/data/run/control` });
  const report = await examine(parts, nodeWorld.clock);
  if (report === undefined) throw new Error('nothing was looked at');
  longestMs = Math.max(longestMs, report.tookMs);
  for (const { id, verdict } of report.findings) {
    if (verdict.kind === 'healthy') healthy[id] = (healthy[id] ?? 0) + 1;
    const why =
      verdict.kind === 'unhealthy'
        ? verdict.cause
        : verdict.kind === 'broken'
          ? verdict.fault
          : verdict.kind === 'unknown'
            ? verdict.because
            : undefined;
    const kind = found[verdict.kind];
    if (why !== undefined && kind !== undefined) kind[`${id}: ${why}`] = (kind[`${id}: ${why}`] ?? 0) + 1;
  }
}

async function runMany(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await runOne();
  }
}

try {
  await Promise.all(Array.from({ length: AT_ONCE }, runMany));
  const told = service.events.flatMap(({ event, text }) => (event === 3960 ? [text] : []));
  process.stdout.write(`${JSON.stringify({ runs, longestMs, ...found, healthy, told })}\n`);
} finally {
  await service.remove();
}
process.exit(0);
