import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectNone, sentences } from './expect.ts';
import { importsOf, type Import } from './imports.ts';
import { closedDoors, floors, hall, outsideAllowed, outsideModules, pureNames, testNames } from './rules.ts';
import { isTest, source, typescript, type Finding, type SourceFile } from './source.ts';

const within = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
const floorOf = (path: string): number => floors.findIndex((folders) => folders.some((folder) => within(path, folder)));
const roomOf = (path: string): string | undefined => /^src\/flow\/([^/]+)\//.exec(path)?.[1];

function upwards({ from, target }: Import): string | undefined {
  const [own, other] = [floorOf(from), floorOf(target)];
  if (own < 0) return 'stands on no floor: see floors in test/house/rules.ts';
  if (other < 0)
    return isTest(from) && target.startsWith('test/') ? undefined : `imports ${target}, which stands on no floor`;
  if (other > own) return `imports ${target} from a higher floor`;
  const door = closedDoors.find(
    (one) =>
      within(from, one.from) && within(target, one.to) && !(one.except ?? []).some((folder) => within(from, folder)),
  );
  return door === undefined ? undefined : `imports ${target}: ${door.why}`;
}

function acrossTheHall({ from, target, typeOnly }: Import): string | undefined {
  const [own, other] = [roomOf(from), roomOf(target)];
  if (own !== undefined && within(target, 'src/settings') && !typeOnly)
    return `imports ${target} with its values: a worker does not load the schemas`;
  if (own === undefined || other === undefined || own === other) return undefined;
  const allowed = hall[own]?.[other];
  if (allowed === undefined) return `${own} must not know ${other}`;
  return allowed.what === 'types' && !typeOnly ? `${own} may import only types from ${other}` : undefined;
}

function outside({ from, target, names }: Import): string | undefined {
  const pure = pureNames[target] ?? (isTest(from) ? testNames[target] : undefined);
  if (pure !== undefined && names.length > 0 && names.every((name) => pure.includes(name))) return undefined;
  if (outsideAllowed.some((folder) => within(from, folder))) return undefined;
  return outsideModules.has(target) ? `imports ${target}, which belongs to world/node` : undefined;
}

/** Tests of a room may use the simulated world and any room of the hall, never a higher floor. */
function findings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((one) => {
      const inTest = isTest(file.path);
      const closed = one.relative ? upwards(one) : outside(one);
      const excused =
        inTest && (within(one.target, 'src/world/sim') || floorOf(one.target) <= floorOf(one.from)) && one.relative;
      const what = [excused ? undefined : closed, one.relative && !inTest ? acrossTheHall(one) : undefined];
      return what.flatMap((sentence) =>
        sentence === undefined ? [] : [{ path: file.path, line: one.line, what: sentence }],
      );
    }),
  );
}

test('the rule finds imports from higher floors, closed doors, strange rooms and the outside', () => {
  const files = [
    source('src/mail/a.ts', "import { x } from '../flow/queue/port.ts';"),
    source('src/protocol/a.ts', "import type { Clock } from '../world/ports/clock.ts';\nimport 'node:net';"),
    source(
      'src/flow/policy/a.ts',
      "import {\n  type A,\n  b,\n} from '../routing/port.ts';\nexport * from '../recipients/port.ts';",
    ),
    source(
      'src/flow/delivery/a.ts',
      "import { q } from '../queue/port.ts';\nimport { type C } from '../queue/port.ts';",
    ),
    source('src/flow/queue/a.ts', "const z = await import('../../settings/queue.ts'); // import '../../x.ts'"),
    source(
      'src/flow/queue/a.test.ts',
      "import { SimDisk } from '../../world/sim/disk.ts';\nimport { s } from '../scheduler/x.ts';",
    ),
  ];
  assert.deepEqual(sentences(findings(files)), [
    '1: imports src/flow/queue/port.ts from a higher floor',
    '1: imports src/world/ports/clock.ts: a standard touches nothing: bytes in, effects out',
    '2: imports node:net, which belongs to world/node',
    '4: policy must not know routing',
    '1: delivery may import only types from queue',
    '1: imports src/settings/queue.ts with its values: a worker does not load the schemas',
  ]);
});

test('a file imports only from its own floor and lower ones', () => {
  expectNone('floors', findings(typescript('src')));
});
