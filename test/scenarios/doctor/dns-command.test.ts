import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodes, main, type CliIo } from '../../../src/operate/cli/main.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { pretendedHost } from '../../support/pretended-host.ts';

const ZONE = `mail.company.com A 192.0.2.10
10.2.0.192.in-addr.arpa PTR mail.company.com
company.com MX 10 mail.company.com
company.com TXT "v=spf1 mx -all"
_dmarc.company.com TXT "v=DMARC1; p=none"
`;

/** Runs `ims dns` on a host that sends from 192.0.2.10, with a name server of this zone. */
async function dns(
  zone: string,
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const server = await startDnsServer(zone);
  const directory = mkdtempSync(join(tmpdir(), 'ims-dns-'));
  const file = join(directory, 'ims.yaml');
  writeFileSync(
    file,
    `server: { name: mail.company.com, data: ${directory} }
listeners: { mx: { profile: mx, address: 0.0.0.0 } }
domains: { company.com: { mailboxes: { a: {} } } }
names: { servers: ['${server.server}'] }
`,
  );
  let text = '';
  const output = {
    write(part: string): void {
      text += part;
    },
  };
  const host = pretendedHost({
    texts: { '/proc/net/route': 'Iface\neth0\t00000000\t01020304\t0003\t0\t0\t0\t00000000\n' },
    addresses: ['127.0.0.1', '192.0.2.10'],
  });
  const io: CliIo = {
    stdin: { async *[Symbol.asyncIterator]() {} },
    stdout: output,
    stderr: output,
    environment: {},
    world: nodeWorld,
    version: '1.0.0',
    host: async () => host,
    hashPassword: async () => '',
  };
  try {
    return { code: await main(['dns', '--config', file, ...words], io), text };
  } finally {
    await server.close();
    rmSync(directory, { recursive: true });
  }
}

test('what others need and find is well, and what is optional is proposed', async () => {
  const { code, text } = await dns(ZONE);
  assert.equal(code, exitCodes.ok);
  assert.match(text, /Nothing that others need is missing; 5 of 7 records are there/);
  assert.match(text, /publish {3}_smtp\._tls\.company\.com\. 3600 IN TXT "v=TLSRPTv1/);
  assert.match(text, /published {2}MX of company\.com: 10 mail\.company\.com/);
});

test('what is missing comes as lines for a zone, and the exit code says so', async () => {
  const { code, text } = await dns('company.com TXT "v=spf1 ip4:198.51.100.1 -all"\n', '--zone');
  assert.equal(code, exitCodes.negative);
  assert.match(text, /^mail\.company\.com\. 3600 IN A 192\.0\.2\.10 ; required$/m);
  assert.match(text, /^10\.2\.0\.192\.in-addr\.arpa\. 3600 IN PTR mail\.company\.com\. ; required$/m);
  assert.match(text, /^company\.com\. 3600 IN TXT "v=spf1 ip4:198\.51\.100\.1 ip4:192\.0\.2\.10 -all" ; recommended$/m);
});

test('behind a translation the public address is given; JSON has all; MTA-STS comes with its policy', async () => {
  const given = await dns(ZONE, '--address', '203.0.113.7', '--mta-sts');
  assert.match(given.text, /publish {3}mail\.company\.com\. 3600 IN A 203\.0\.113\.7\n {2}seen {6}192\.0\.2\.10/);
  assert.match(given.text, /Serve at https:\/\/mta-sts\.company\.com\/\.well-known\/mta-sts\.txt:\nversion: STSv1/);
  const { text } = await dns(ZONE, '--json');
  const { records } = JSON.parse(text) as { records: readonly { purpose: string; state: string }[] };
  assert.equal(records.find(({ purpose }) => purpose === 'reverse')?.state, 'published');
  assert.equal((await dns(ZONE, '--address', 'here')).code, exitCodes.usage);
});
