import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pretendedHost } from '../../test/support/pretended-host.ts';
import type { Journal } from '../events/journal.ts';
import { AVOIDED, findLayers, tellLayers, wordsOf } from './interposer.ts';
import { Board } from './parts/board.ts';

const CHAINS = '/usr/lib/libproxychains.so.4';
const DANTE = '/opt/libdsocksd.so.0';
const files = { [CHAINS]: {}, [DANTE]: {}, '/lib/jemalloc.so': {}, '/lib/libbind.so': {} };
const texts = { '/lib/libbind.so': '\x7fELF\0dlsym\0bind\0' };
const avoid = { interposer: 'avoid' } as const;

test('what LD_PRELOAD names of proxy clients is left with its variables, all else stays', async () => {
  const environment = {
    LD_PRELOAD: `/lib/jemalloc.so:${CHAINS} ${DANTE}`,
    PROXYCHAINS_CONF_FILE: '/x',
    SOCKS_CONF: '/y',
    ALL_PROXY: 'socks5://192.0.2.1',
    PATH: '/bin',
  };
  const { again, kept, avoided } = await findLayers(pretendedHost({ files, environment }), avoid);
  assert.deepEqual(
    { ...again, [AVOIDED]: undefined },
    { LD_PRELOAD: '/lib/jemalloc.so', ALL_PROXY: 'socks5://192.0.2.1', PATH: '/bin', [AVOIDED]: undefined },
  );
  assert.deepEqual([kept, avoided], [[], []]);

  const next = await findLayers(pretendedHost({ files, environment: again as Record<string, string> }), avoid);
  assert.equal(next.again, undefined);
  assert.deepEqual(
    next.avoided.map(({ file }) => file),
    [CHAINS, DANTE],
  );
});

test('a layer stays where it is allowed, where it is no proxy client, and where /etc/ld.so.preload loads it', async () => {
  const allowed = await findLayers(pretendedHost({ files, environment: { LD_PRELOAD: DANTE } }), {
    interposer: 'allow',
  });
  assert.equal(allowed.again, undefined);
  assert.equal(wordsOf(allowed), `the Dante client (socksify) (${DANTE})`);
  const host = pretendedHost({
    files,
    texts: { ...texts, '/etc/ld.so.preload': `${CHAINS}\n/lib/gone-tsocks.so` },
    environment: { LD_PRELOAD: '/lib/libbind.so' },
  });
  const found = await findLayers(host, avoid);
  assert.equal(found.again, undefined);
  assert.deepEqual(
    found.kept.map(({ file, cause }) => [file, cause.slice(0, 18)]),
    [
      ['/lib/libbind.so', 'LD_PRELOAD names i'],
      [CHAINS, '/etc/ld.so.preload'],
    ],
  );
});

test('one that was begun again, or could not be, is not begun again', async () => {
  const environment = { LD_PRELOAD: DANTE };
  const failed = await findLayers(pretendedHost({ files, environment }), avoid, false);
  assert.equal(failed.again, undefined);
  assert.match(failed.kept[0]?.cause ?? '', /could not be started without it/);
  const told = JSON.stringify([{ layer: 'a', file: '/a' }, { layer: 1 }, null]);
  const again = await findLayers(pretendedHost({ files, environment: { ...environment, [AVOIDED]: told } }), avoid);
  assert.equal(again.again, undefined);
  assert.deepEqual(again.avoided, [{ layer: 'a', file: '/a' }]);
  const foreign = await findLayers(pretendedHost({ environment: { [AVOIDED]: 'x{' } }), avoid);
  assert.deepEqual(foreign, { avoided: [], kept: [], again: undefined });
});

test('what stays is a part that is degraded, what was left is said', () => {
  const told: string[] = [];
  const journal = { emit: (name: string) => told.push(name) } as unknown as Journal;
  const board = new Board({ wall: () => 0 });
  const one = { layer: 'a proxy client', file: '/a.so' };
  tellLayers({ avoided: [one], kept: [], again: undefined }, journal, board);
  assert.equal(board.get('sockets')?.state, 'running');
  tellLayers({ avoided: [], kept: [{ ...one, cause: 'c' }], again: undefined }, journal, board);
  assert.equal(board.get('sockets')?.event, 3793);
  assert.deepEqual(told, ['service.layer-avoided', 'service.layer-kept']);
});
