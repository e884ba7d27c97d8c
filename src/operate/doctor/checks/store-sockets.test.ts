import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { PretendedFacts } from '../../../../test/support/pretended-host.ts';
import type { Verdict } from '../verdict.ts';
import { storeSockets } from './store-sockets.ts';

const SOCKET = '/run/store/lmtp';

function look(files: PretendedFacts['files'] = {}): Promise<Verdict> {
  const settings = settingsOf(`server: { name: mail.example.test, data: /srv/ims, user: ims }
routing: { smartHosts: { store: { protocol: lmtp, tls: none, hosts: [{ host: ${SOCKET} }] } } }
`);
  const texts = { '/etc/passwd': 'ims:x:990:990::/:/bin/false\n', '/etc/group': 'ims:x:990:\nmail:x:8:\n' };
  return lookWith(storeSockets, { settings, host: { texts, files } });
}

const causeOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind);

test('a socket that the user of the service may not write to is told, also when root looks', async () => {
  assert.match(
    causeOf(await look({ [SOCKET]: { kind: 'socket', mode: 0o600, uid: 0, gid: 0 } })),
    /^The socket \/run\/store\/lmtp of routing\.smartHosts\.store may not be used by ims \(uid 990\).* mode 600 and belongs to uid 0, gid 0\. Mail to it waits\./,
  );
  assert.equal((await look({ [SOCKET]: { kind: 'socket', mode: 0o660, uid: 0, gid: 990 } })).kind, 'healthy');
});

test('a socket that is not there, is none, or lies in a directory that is closed is told as such', async () => {
  assert.match(causeOf(await look()), /is not there: the mail store does not run, or makes its socket elsewhere/);
  assert.match(causeOf(await look({ [SOCKET]: { kind: 'file', mode: 0o666 } })), /is no socket \(file\)/);
  const closed = { '/run/store': { mode: 0o700 }, [SOCKET]: { kind: 'socket', mode: 0o666 } } as const;
  assert.match(
    causeOf(await look(closed)),
    /cannot be reached by ims \(uid 990\).*: \/run\/store is closed to that user/,
  );
});
