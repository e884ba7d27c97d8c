import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, RecordType, Resolver } from '../../world/ports/resolver.ts';
import { parseHostsFile, withHostsFile } from './hosts-file.ts';
import { hostsFileLookMs, hostsFileNamesMax } from './limits.ts';

function resolverAfter(read: () => Promise<string>) {
  const asked: string[] = [];
  const inner: Resolver = {
    query: <T extends RecordType>(name: string, type: T): Promise<Answer<T>> => {
      asked.push(`${name} ${type}`);
      return Promise.resolve({ kind: 'failure', reason: 'no name server answers' });
    },
  };
  const clock = { ms: 0, now: () => clock.ms };
  return { resolver: withHostsFile(inner, read, clock), asked, clock };
}

test('Q146944: with the name service down, a host of the hosts file has its addresses from there, and all else is a failure', async () => {
  const { resolver, asked } = resolverAfter(async () => '192.0.2.7 Relay.LAN relay # ours\n2001:DB8::7 relay.lan\n');
  const four = await resolver.query('RELAY.lan.', 'A');
  assert.ok(four.kind === 'records');
  assert.deepEqual(four.records, ['192.0.2.7']);
  const six = await resolver.query('relay.lan', 'AAAA');
  assert.deepEqual(six.kind === 'records' ? six.records : six, ['2001:db8::7']);
  assert.equal((await resolver.query('relay', 'AAAA')).kind, 'no-data');
  assert.equal((await resolver.query('relay.lan', 'MX')).kind, 'failure');
  assert.equal((await resolver.query('else.lan', 'A')).kind, 'failure');
  assert.deepEqual(asked, ['relay.lan MX', 'else.lan A']);
});

test('a hosts file that changes is read again, and one that cannot be read keeps what it said', async () => {
  let text: string | undefined = '192.0.2.1 a.lan\n';
  let reads = 0;
  const { resolver, clock } = resolverAfter(async () => {
    reads += 1;
    if (text === undefined) throw new Error('EACCES');
    return text;
  });
  const address = async (): Promise<string> => {
    const answer = await resolver.query('a.lan', 'A');
    return answer.kind === 'records' ? answer.records.join() : answer.kind;
  };
  assert.equal(await address(), '192.0.2.1');
  text = '192.0.2.2 a.lan\n';
  assert.equal(await address(), '192.0.2.1');
  clock.ms += hostsFileLookMs;
  assert.equal(await address(), '192.0.2.2');
  text = undefined;
  clock.ms += hostsFileLookMs;
  assert.equal(await address(), '192.0.2.2');
  assert.equal(reads, 3);
});

test('a hosts file that blocks names, is damaged or huge does no harm', () => {
  const hosts = parseHostsFile(
    '0.0.0.0 ads.test\n:: ads.test\nnonsense a.test\n192.0.2.1\n\0\xff\n# 192.0.2.1 b.test\n',
  );
  assert.equal(hosts.size, 0);
  const lines = Array.from({ length: hostsFileNamesMax + 10 }, (_, n) => `192.0.2.1 n${n}.test`);
  assert.equal(parseHostsFile(lines.join('\n')).size, hostsFileNamesMax);
});
