import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, RecordType } from '../../world/ports/resolver.ts';
import { resolvConfLookMs } from './limits.ts';
import { printNameServer, type NameServer } from './name-servers.ts';
import { followResolvConf } from './resolv-conf.ts';

function following(first: readonly NameServer[]) {
  const clock = { ms: 0, now: () => clock.ms };
  const file = { text: '' as string | undefined };
  const asked: string[] = [];
  const replaced: string[] = [];
  const resolver = followResolvConf({
    first,
    clock,
    read: async () => file.text ?? Promise.reject(new Error('EACCES')),
    make: (servers) => {
      const names = servers.map(printNameServer).join(' ');
      return {
        query: <T extends RecordType>(): Promise<Answer<T>> => {
          asked.push(names);
          return Promise.resolve({ kind: 'failure', reason: 'none' });
        },
        replaced: () => void replaced.push(names),
      };
    },
  });
  const ask = async (): Promise<string | undefined> => {
    clock.ms += resolvConfLookMs;
    await resolver.query('a.test', 'A');
    return asked.at(-1);
  };
  return { file, ask, replaced };
}

test('Q146165: a resolv.conf that names its servers after the start of the service, or others later, is followed', async () => {
  const { file, ask, replaced } = following([{ address: '127.0.0.1', port: 53 }]);
  assert.equal(await ask(), '127.0.0.1');
  file.text = 'nameserver 192.0.2.1\n';
  assert.equal(await ask(), '192.0.2.1');
  file.text = 'search example.test\nnameserver 192.0.2.1\n';
  await ask();
  file.text = 'nameserver 192.0.2.2\nnameserver 192.0.2.1\n';
  assert.equal(await ask(), '192.0.2.2 192.0.2.1');
  assert.deepEqual(replaced, ['127.0.0.1', '192.0.2.1']);
});

test('a resolv.conf that is emptied, being written or unreadable keeps the servers that are known', async () => {
  const { file, ask, replaced } = following([{ address: '192.0.2.1', port: 53 }]);
  for (const text of ['', '# being written\n', 'nameserver', undefined]) {
    file.text = text;
    assert.equal(await ask(), '192.0.2.1', String(text));
  }
  assert.deepEqual(replaced, []);
});
