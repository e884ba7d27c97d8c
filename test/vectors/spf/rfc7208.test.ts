/** The published test suite of SPF, whole: zones and expected results come from its YAML documents. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { checkSpf } from '../../../src/authentication/spf/index.ts';
import type { Answer, RecordData, RecordType } from '../../../src/world/ports/resolver.ts';
import { projectRoot } from '../../support/root.ts';

interface Scenario {
  readonly description: string;
  readonly tests: Readonly<Record<string, Case>>;
  readonly zonedata: Readonly<Record<string, readonly Entry[]>>;
}

interface Case {
  readonly helo: string;
  readonly host: string;
  readonly mailfrom: string;
  readonly result: string | readonly string[];
  readonly explanation?: string;
}

/** 'TIMEOUT', or one record as { TYPE: value }. */
type Entry = string | Readonly<Record<string, unknown>>;

const DEFAULT = 'DEFAULT';
const ALIASES_MAX = 8;

/** Octets were written as escapes of their code points. */
const octets = (text: string): Buffer => Buffer.from(text, 'latin1');
const plain = (name: string): string => name.replace(/\.$/, '').toLowerCase();

function recordOf(type: RecordType, value: unknown): RecordData[RecordType] {
  if (type === 'TXT') return [value].flat().map((text) => octets(String(text)));
  if (type === 'MX') {
    const [preference, exchange] = value as readonly [number, string];
    return { preference, exchange: plain(exchange) };
  }
  return plain(String(value));
}

/** SPF entries stand for TXT ones, unless the name has TXT entries of its own. */
function entriesOf(entries: readonly Entry[], type: RecordType): unknown[] {
  const values = (wanted: string): unknown[] =>
    entries.flatMap((entry) => (typeof entry !== 'string' && wanted in entry ? [entry[wanted]] : []));
  const own = values(type);
  if (type !== 'TXT') return own;
  return (own.length > 0 ? own : values('SPF')).filter((value) => value !== 'NONE');
}

function resolverOf(zonedata: Scenario['zonedata']) {
  const zone = new Map(Object.entries(zonedata).map(([name, entries]) => [plain(name), entries]));
  return {
    async query<T extends RecordType>(name: string, type: T): Promise<Answer<T>> {
      let current = plain(name);
      for (let aliases = 0; aliases <= ALIASES_MAX; aliases += 1) {
        const entries = zone.get(current);
        if (entries === undefined) return { kind: 'no-such-name', authenticated: false, ttlSeconds: 60 };
        const values = entriesOf(entries, type);
        if (values.length > 0)
          return {
            kind: 'records',
            records: values.map((value) => recordOf(type, value) as RecordData[T]),
            canonicalName: current,
            ttlSeconds: 60,
            authenticated: false,
          };
        if (entries.includes('TIMEOUT')) return { kind: 'failure', reason: 'no answer' };
        const [alias] = entriesOf(entries, 'CNAME');
        if (alias === undefined)
          return { kind: 'no-data', canonicalName: current, authenticated: false, ttlSeconds: 60 };
        current = plain(String(alias));
      }
      return { kind: 'failure', reason: 'too many aliases' };
    },
  };
}

const documents = parseAllDocuments(readFileSync(join(projectRoot, 'test/vectors/spf/rfc7208-tests.yml'), 'utf8'), {
  version: '1.1',
});
let cases = 0;
for (const document of Array.isArray(documents) ? documents : []) {
  const scenario = document.toJS() as Scenario | null;
  if (scenario === null) continue;
  for (const [name, one] of Object.entries(scenario.tests)) {
    cases += 1;
    test(`${scenario.description}: ${name}`, async () => {
      const verdict = await checkSpf(resolverOf(scenario.zonedata), {
        address: one.host,
        helo: one.helo,
        sender: one.mailfrom,
        receiver: 'receiver.example.com',
      });
      assert.ok([one.result].flat().includes(verdict.result), `${verdict.result}: ${verdict.problem ?? verdict.term}`);
      if (one.explanation !== undefined) assert.equal(verdict.explanation ?? DEFAULT, one.explanation);
    });
  }
}

test('the suite is there, whole', () => assert.ok(cases > 190, String(cases)));
