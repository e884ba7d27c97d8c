import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DoctorReport } from '../../../src/operate/doctor/index.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { freePort, startService } from '../../support/service.ts';

const ZONE = `
. NS a.root-servers.net.
mail.company.com. 0 A 198.51.100.25
company.com. 0 MX 10 mail.company.com.
company.com. TXT "v=spf1 mx -all"
_dmarc.company.com. TXT "v=DMARC1; p=none"
_smtp._tls.company.com. TXT "v=TLSRPTv1; wrong"
`;

test('name servers that take two seconds for each answer: the names and records are seen all the same, within ten seconds', async () => {
  const dns = await startDnsServer(ZONE, { delayMs: () => 2000 });
  const port = await freePort();
  const service = await startService(
    (directory) => `server: { name: mail.company.com, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 0.0.0.0, port: ${port} } }
domains: { company.com: { mailboxes: { alice: {}, postmaster: {} } } }
names: { servers: ['${dns.server}'] }
`,
  );
  try {
    const { stdout, stderr } = await service.ims('doctor', '--json');
    assert.notEqual(stdout, '', stderr);
    const { findings, tookMs } = JSON.parse(stdout) as DoctorReport;
    const kindOf = (id: string): string | undefined => findings.find((one) => one.id === id)?.verdict.kind;
    for (const id of ['names.servers-answer', 'names.server-name', 'names.domains', 'names.dnssec', 'records.dmarc'])
      assert.equal(kindOf(id), 'healthy', `${id}: ${JSON.stringify(findings.find((one) => one.id === id))}`);
    assert.equal(kindOf('records.tls-report'), 'unhealthy');
    const late = findings.filter(
      ({ verdict }) => verdict.kind === 'unknown' && /did not end/.test(JSON.stringify(verdict)),
    );
    assert.deepEqual(late, []);
    assert.ok(tookMs < 10_000, `${tookMs} ms`);
  } finally {
    await service.remove();
    await dns.close();
  }
});
