import assert from 'node:assert/strict';
import { test } from 'node:test';
import { iptablesRules } from './firewall-iptables.ts';
import { nftRules } from './firewall-nft.ts';
import { whatBlocks, whatDiverts, type NewConnection } from './firewall.ts';

const smtp: NewConnection = { direction: 'in', family: 4, port: 25, interfaces: ['eth0'] };
const chain = (policy: string, hook = 'input') => ({
  chain: { family: 'inet', table: 'filter', name: hook, handle: 1, type: 'filter', hook, prio: 0, policy },
});
/** What nft calls the part of a packet that it looks at. */
const header = (protocol: string, field: string): object =>
  JSON.parse(`{"payload":{"protocol":"${protocol}","field":"${field}"}}`);
const port = (value: unknown) => ({ match: { op: '==', left: header('tcp', 'dport'), right: value } });
const iif = (name: string, op = '==') => ({ match: { op, left: { meta: { key: 'iifname' } }, right: name } });
const rule = (...expr: readonly object[]) => ({
  rule: { family: 'inet', table: 'filter', chain: 'input', handle: 4, expr },
});
const drop = { drop: null };
const accept = { accept: null };
const blocked = (...rows: readonly object[]) => whatBlocks(nftRules(JSON.stringify({ nftables: rows })), smtp);

test('a rule of nftables that drops the port is named with the command that removes it', () => {
  const found = blocked(chain('accept'), rule(iif('eth0'), port(25), drop));
  assert.deepEqual(found, {
    where: 'nftables chain inet filter input',
    rule: 'iifname eth0 tcp dport 25 drop',
    how: 'drop',
    cure: 'nft delete rule inet filter input handle 4',
  });
  assert.equal(blocked(chain('accept'), rule(port(26), drop)), undefined);
  assert.ok(blocked(chain('accept'), rule(port({ set: [22, { range: [20, 30] }] }), { reject: null })) !== undefined);
});

test('a policy of drop blocks what no rule accepts', () => {
  const established = {
    match: { op: 'in', left: { ct: { key: 'state' } }, right: { set: ['established', 'related'] } },
  };
  assert.match(blocked(chain('drop'), rule(established, accept), rule(iif('lo'), accept))?.rule ?? '', /policy drop/);
  assert.equal(blocked(chain('drop'), rule(port({ set: [25, 587] }), accept)), undefined);
  assert.ok(blocked(chain('drop', 'forward')) === undefined, 'what is passed on is another matter');
});

test('what depends on who connects is no alarm', () => {
  const saddr = { match: { op: '==', left: header('ip', 'saddr'), right: '198.51.100.7' } };
  assert.equal(blocked(chain('accept'), rule(saddr, drop)), undefined);
  assert.equal(blocked(chain('drop'), rule(saddr, accept)), undefined);
  assert.equal(blocked(chain('drop'), rule({ vmap: { key: 'dport' } })), undefined, 'a map of verdicts');
  assert.equal(blocked(chain('accept'), rule({ limit: { rate: 5 } }, drop)), undefined);
});

test('jumps are followed, and text that is no ruleset has no rules', () => {
  const side = { chain: { family: 'inet', table: 'filter', name: 'mail', handle: 2 } };
  const inside = { rule: { family: 'inet', table: 'filter', chain: 'mail', handle: 9, expr: [port(25), drop] } };
  assert.equal(
    blocked(chain('accept'), side, rule({ jump: { target: 'mail' } }), inside)?.cure,
    'nft delete rule inet filter mail handle 9',
  );
  assert.deepEqual(nftRules('Error: syntax'), []);
});

test('a rule that sends the port elsewhere before it gets here is named with its target', () => {
  const nat = {
    chain: { family: 'ip', table: 'nat', name: 'pre', handle: 1, type: 'nat', hook: 'prerouting', prio: -100 },
  };
  const diverts = (...expr: readonly object[]): ReturnType<typeof whatDiverts> => {
    const rows = [nat, { rule: { family: 'ip', table: 'nat', chain: 'pre', handle: 3, expr } }];
    return whatDiverts(nftRules(JSON.stringify({ nftables: rows })), smtp);
  };
  assert.deepEqual(diverts(iif('eth0'), port(25), { redirect: { port: 2525 } }), {
    where: 'nftables chain ip nat pre',
    rule: 'iifname eth0 tcp dport 25 redirect to :2525',
    how: { divertedTo: { port: 2525 } },
    cure: 'nft delete rule ip nat pre handle 3',
  });
  const far = { address: '192.0.2.24', port: 24 };
  assert.deepEqual(diverts(port(25), { dnat: { addr: far.address, port: far.port } })?.how, { divertedTo: far });
  assert.equal(diverts(port(26), { redirect: { port: 2525 } }), undefined);
  assert.equal(diverts(iif('docker0'), port(25), { dnat: { addr: far.address } }), undefined);
  const daddr = { match: { op: '==', left: header('ip', 'daddr'), right: '198.51.100.7' } };
  assert.equal(diverts(daddr, port(25), { dnat: { addr: far.address } }), undefined, 'not for every address');
  assert.equal(diverts(port(25), { dnat: { addr: { map: {} } } }), undefined, 'worked out for each connection');
  assert.equal(whatBlocks(nftRules(JSON.stringify({ nftables: [nat] })), smtp), undefined);
});

test('rules of iptables are read', () => {
  const save = (lines: string) => whatBlocks(iptablesRules(`# x\n*filter\n${lines}COMMIT\n`, 4), smtp);
  assert.equal(
    save(':INPUT ACCEPT [0:0]\n-A INPUT -i eth0 -p tcp -m tcp --dport 25 -j DROP\n')?.cure,
    'iptables -D INPUT -i eth0 -p tcp -m tcp --dport 25 -j DROP',
  );
  assert.match(save(':INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n')?.rule ?? '', /policy drop/);
  assert.equal(save(':INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 25,465,587 -j ACCEPT\n'), undefined);
  assert.equal(save(':INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.0/8 -p tcp -j DROP\n'), undefined);
  assert.equal(
    save(':INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m comment --comment "a b" -m tcp --dport 587 -j DROP\n'),
    undefined,
  );
});
