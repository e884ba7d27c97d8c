import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfiguration, printProblem } from '../index.ts';

const HEAD = 'server: { name: mail.example.com }\nlisteners: { mx: { profile: mx } }\n';

/** What is wrong with a configuration, without places. */
function problems(more: string, head = HEAD): string[] {
  const loaded = loadConfiguration(head + more, 'ims.yaml', { directory: '/etc/ims' });
  return (loaded.ok ? loaded.warnings : loaded.problems).map((problem) =>
    printProblem(problem).replace(/^ims\.yaml:\d+:\d+: /, ''),
  );
}

const routing = (text: string): string[] =>
  problems(`routing:\n  proxies: { out: { kind: socks5, host: 192.0.2.1 } }\n${text}`);

test('names of proxies lead somewhere, and stand where they have an effect', () => {
  assert.deepEqual(routing('  proxy: [out, direct]\n'), []);
  assert.deepEqual(routing('  proxy: uot\n'), [
    "error: routing.proxy: names no proxy; found 'uot'; allowed: direct, a proxy of routing.proxies (out); did you mean 'out'?",
  ]);
  assert.match(
    routing('  smartHosts: { g: { hosts: [{ host: 192.0.2.5 }], proxy: [out, other] } }\n')[0] ?? '',
    /routing\.smartHosts\.g\.proxy\[1\]: names no proxy/,
  );
  assert.match(
    routing("  addressSpaces: [{ match: '*', via: hold, proxy: out }]\n")[0] ?? '',
    /has no effect with 'via: hold'/,
  );
  assert.match(
    routing('  addressSpaces: [{ match: a@example.org, via: mx, proxy: out }]\n')[0] ?? '',
    /cannot be chosen for a single address/,
  );
  assert.deepEqual(routing('  addressSpaces: [{ match: example.org, via: mx, proxy: out }]\n'), []);
});

test('zones of split DNS are domains with addresses of resolvers', () => {
  assert.deepEqual(problems("names: { zones: { corp.example: ['10.0.0.53', '[2001:db8::53]:5353'] } }\n"), []);
  assert.match(problems("names: { zones: { 'a b': ['10.0.0.53'] } }\n")[0] ?? '', /is not a domain/);
  assert.match(
    problems('names: { zones: { corp.example: [ns.corp.example] } }\n')[0] ?? '',
    /is not the address of a resolver/,
  );
});

test('a login of a proxy is a user with a password or a token, each from one place', () => {
  const login = (kind: string, text: string): string =>
    problems(`routing:\n  proxies: { out: { kind: ${kind}, host: 192.0.2.1, login: ${text} } }\n`).join(' ');
  assert.equal(login('socks5', '{ user: a, passwordFile: x }'), '');
  assert.equal(login('http-connect', '{ tokenFile: x }'), '');
  assert.match(login('socks5', '{ token: abc }'), /has a token, which SOCKS does not know/);
  assert.match(login('http-connect', '{ token: abc, user: a, password: b }'), /both a user and a token/);
  assert.match(login('http-connect', '{}'), /has neither 'user' nor 'token'/);
  assert.match(login('http-connect', '{ user: a }'), /has neither 'password' nor 'passwordFile'/);
  assert.match(login('http-connect', "{ user: 'a:b', password: c }"), /contains a colon/);
  assert.match(login('http-connect', "{ token: 'a b' }"), /is not a bearer token/);
});

test('hosts and names of proxies, sources of groups', () => {
  assert.match(
    problems('routing:\n  proxies: { direct: { kind: socks5, host: 192.0.2.1 } }\n')[0] ?? '',
    /cannot be the name of a proxy/,
  );
  assert.match(
    problems("routing:\n  proxies: { a: { kind: socks5, host: '192.0.2.1:1080' } }\n")[0] ?? '',
    /is neither a host name nor an IP address/,
  );
  assert.match(
    problems("routing:\n  smartHosts: { g: { hosts: [{ host: 192.0.2.5 }], source4: '::1' } }\n")[0] ?? '',
    /smartHosts\.g\.source4: is not an IPv4 address/,
  );
});

test('trusted proxies are networks, and not everybody', () => {
  const trusted = (text: string): string[] =>
    problems(
      '',
      `server: { name: mail.example.com }\nlisteners: { mx: { profile: mx, proxyProtocol: { trusted: [${text}] } } }\n`,
    );
  assert.deepEqual(trusted('10.0.0.5, "2001:db8::/64"'), []);
  assert.match(trusted('10.0.0.5/8')[0] ?? '', /^error: listeners\.mx\.proxyProtocol\.trusted\[0\]: is not a network/);
  assert.match(trusted('0.0.0.0/0')[0] ?? '', /^warning: .*lets strangers pretend to be any client/);
});

test('name servers behind a proxy: it is declared, known by its address, and the servers are given', () => {
  const names = (text: string): string | undefined =>
    problems(
      '',
      `server: { name: mail.example.com }\nlisteners: { mx: { profile: mx } }\nrouting:
  proxies: { far: { kind: socks5, host: 192.0.2.1 }, named: { kind: socks5, host: proxy.example.com } }
names: ${text}
`,
    ).find((line) => line.includes('names.via'));
  assert.equal(names('{ servers: [9.9.9.9], via: [far, direct] }'), undefined);
  assert.match(names('{ via: far }') ?? '', /needs names\.servers/);
  assert.match(names('{ servers: [9.9.9.9], via: fra }') ?? '', /names no proxy/);
  assert.match(names('{ servers: [9.9.9.9], via: named }') ?? '', /whose name would have to be looked up first/);
});
