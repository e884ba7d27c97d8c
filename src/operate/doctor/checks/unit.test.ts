import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith } from '../../../../test/support/doctor-parts.ts';
import type { PretendedFacts } from '../../../../test/support/pretended-host.ts';
import type { Verdict } from '../verdict.ts';
import { startedBy, unitWhole } from './unit.ts';

const PATH = '/etc/systemd/system/ims.service';
const UNIT = '[Service]\nUser=ims\nExecStart=/opt/ims/bin/ims run --config /etc/ims/ims.yaml\n';
const HOST: PretendedFacts = {
  texts: { [PATH]: UNIT, '/etc/passwd': 'ims:x:990:990::/:/bin/false\n', '/etc/group': '' },
  files: { '/opt/ims/bin/ims': { kind: 'file' }, '/etc/ims/ims.yaml': { kind: 'file' } },
};
const look = (host: PretendedFacts): Promise<Verdict> => lookWith(unitWhole, { host });

test('Q185061: a unit whose other half is gone is told, with what makes it anew and what takes it away', async () => {
  assert.equal((await look({})).kind, 'not-applicable');
  assert.equal((await look(HOST)).kind, 'healthy');
  const bare = await look({ texts: { [PATH]: UNIT } });
  assert.ok(bare.kind === 'unhealthy');
  assert.match(bare.cause, /\/opt\/ims\/bin\/ims, its configuration \/etc\/ims\/ims\.yaml, its user ims\.$/);
  assert.match(bare.cure, /systemctl disable --now ims; rm \/etc\/systemd\/system\/ims\.service/);
  const half = await look({ ...HOST, files: { '/opt/ims/bin/ims': { kind: 'file' } } });
  assert.ok(half.kind === 'unhealthy' && half.cure.startsWith('ims setup --config /etc/ims/ims.yaml; or'));
  assert.equal((await look({ ...HOST, errors: { '/etc/ims/ims.yaml': 'EACCES' } })).kind, 'healthy', 'it is there');
});

test('what a unit says by specifiers is not guessed', () => {
  assert.deepEqual(startedBy('ExecStart=-/opt/%i/ims run --config="/etc/a b.yaml"\nUser=%u\n'), {
    configuration: '/etc/a b.yaml',
  });
  assert.deepEqual(startedBy('ExecStart="/opt/my ims" run -c /etc/100%%.yaml\n'), {
    program: '/opt/my ims',
    configuration: '/etc/100%.yaml',
  });
  assert.deepEqual(startedBy(''), {});
});
