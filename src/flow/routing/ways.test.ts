import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyTerms, Way } from '../../transport/port.ts';
import { waysByChance, waysInWords } from './ways.ts';

const proxy = (name: string, weight?: number): ProxyTerms => ({
  name,
  kind: 'socks5',
  host: name,
  port: 1080,
  tls: 'none',
  resolve: 'here',
  ...(weight === undefined ? {} : { weight }),
});
const named = (ways: readonly Way[]): string => ways.map((way) => (way === 'direct' ? 'direct' : way.name)).join(' ');

test('proxies with weights that stand together are taken in proportion to them, all others in their order', () => {
  const ways: readonly Way[] = [proxy('first'), proxy('light', 1), proxy('heavy', 3), proxy('last'), 'direct'];
  const counts = new Map<string, number>();
  for (let n = 0; n < 400; n += 1) {
    let draw = n;
    const fraction = (): number => {
      draw = (draw * 7919 + 104_729) % 65_537;
      return draw / 65_537;
    };
    const order = named(waysByChance(ways, { fraction }));
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].sort(), ['first heavy light last direct', 'first light heavy last direct']);
  const heavyFirst = counts.get('first heavy light last direct') ?? 0;
  assert.ok(heavyFirst > 250 && heavyFirst < 350, String(heavyFirst));
  assert.equal(
    waysInWords(ways),
    ', by way of the proxy first, else the proxy light or the proxy heavy, else the proxy last, else a direct connection',
  );
});
