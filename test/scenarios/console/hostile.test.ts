import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { Browser, request } from '../../support/browser.ts';
import { until } from '../../support/processes.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { httpLimits } from '../../../src/operate/admin/limits.ts';
import { freePort, type TestService } from '../../support/service.ts';
import { startWithConsole, tokenOf } from '../../support/with-console.ts';

const EVIL = '<script>alert(1)</script>';

let service: TestService;
let remote: Server;
let port: number;
let mx: number;
let token: string;
before(async () => {
  [port, mx] = [await freePort(), await freePort()];
  const relay = await freePort();
  remote = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('220 remote ESMTP\r\n');
    socket.on('data', (chunk) => {
      const line = chunk.toString('latin1');
      socket.write(
        /^(?:EHLO|HELO)/.test(line) ? '250 remote\r\n' : `451 4.7.1 ${EVIL} "later' & <img src=x onerror=alert(2)>\r\n`,
      );
    });
  });
  await new Promise<void>((resolve) => remote.listen(relay, '127.0.0.1', resolve));
  service = await startWithConsole(
    `127.0.0.1:${port}`,
    { mx },
    (yaml) =>
      `${yaml.replace('postmaster: alice', 'postmaster: alice\n      far: bob@far.test')}
routing:
  smartHosts: { evil: { hosts: [{ host: 127.0.0.1, port: ${relay} }], tls: none } }
  addressSpaces: [{ match: '*', via: evil }]
`,
  );
  token = await tokenOf(service);
});
after(async () => {
  await service?.remove();
  remote?.close();
});

/** Everything between tags and in attributes is text: none of what mail and hosts said is an element of the page. */
function assertTame(text: string): void {
  assert.doesNotMatch(text, /<script|<img|<b>|onerror=alert\(\d\)>/i);
  assert.doesNotMatch(text, /[\u202a-\u202e\u2066-\u2069]/);
}

test('what mail, senders and remote hosts say is shown as text on every page', { timeout: 120_000 }, async () => {
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  await line.say(`EHLO client.test`, 250);
  await line.say(`MAIL FROM:<"${EVIL}"@client.test>`, 250);
  await line.say('RCPT TO:<far@example.test>', 250);
  await line.say('DATA', 354);
  line.write(
    `Subject: ${EVIL} =?utf-8?q?=E2=80=AE=3Cimg_src=3Dx_onerror=3Dalert(3)=3E?=\r\nFrom: "<b>x</b>" <a@client.test>\r\nMessage-ID: <${EVIL}@x>\r\n\r\n${EVIL}\r\n`,
  );
  await line.say('.', 250);
  line.close();
  const browser = new Browser(port);
  await browser.logIn(token);
  await until(
    'the reply of the remote host',
    async () => (await browser.get('/queue')).text.includes('451 4.7.1'),
    15_000,
  );
  const queue = (await browser.get('/queue')).text;
  const queueId = /<a href="\/queue\/([^"]+)">/.exec(queue)?.[1] ?? '';
  const message = (await browser.get(`/queue/${queueId}`)).text;
  assert.match(message, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.match(message, /<td>Subject<\/td><td>&lt;script&gt;/);
  assert.match(message, /received {3}from/);
  const pages = ['/', '/parts', '/conditions', '/events', `/trace?what=${encodeURIComponent(`"${EVIL}"@client.test`)}`];
  const asked = ['/kb', '/events', '/queue', '/trace'].map((path) => {
    const evil = encodeURIComponent(`"><script>alert(4)</script>`);
    return `${path}?q=${evil}&contains=${evil}&domain=${evil}&sender=${evil}&what=${evil}&severity=${evil}&number=${evil}&to=${evil}`;
  });
  for (const path of [...pages, ...asked, '/queue/%22%3E%3Cscript%3E', '/kb/%3Cscript%3E', '/%3Cscript%3E'])
    assertTame((await browser.get(path)).text);
  assertTame(queue);
  assertTame(message);
  const held = await browser.post(`/queue/${queueId}/hold`, {}, `/queue/${queueId}`);
  assert.match(held.text, /held, \d attempt/);
  assert.match((await service.ims('queue', 'list', '--held')).stdout, new RegExp(queueId));
});

test('the API answers with the words of the command line', { timeout: 120_000 }, async () => {
  const fields = { authorization: `Bearer ${token}` };
  const api = await request(port, '/api/queue.show?queueId=0-3k9f2a', { fields });
  const cli = await service.ims('queue', 'show', '0-3k9f2a');
  const { detail, status } = JSON.parse(api.text) as { detail: string; status: number };
  assert.deepEqual([api.status, status], [404, 404]);
  assert.ok(cli.stderr.includes(detail), cli.stderr);
  const list = await request(port, '/api/queue.list?most=1', { fields });
  const rows = (JSON.parse(list.text) as { rows: unknown[] }).rows;
  const shown = JSON.parse((await service.ims('queue', 'list', '--most', '1', '--json')).stdout) as { rows: unknown[] };
  assert.deepEqual(rows, shown.rows);
  const levels = await request(port, '/api/levels', {
    method: 'POST',
    fields: { ...fields, 'content-type': 'application/json' },
    content: '{"set":{"delivery":"maximum"}}',
  });
  assert.equal((JSON.parse(levels.text) as Record<string, string>)['delivery'], 'maximum');
  await until('it is told', () =>
    service.events.some(({ event, text }) => event === 2850 && text.startsWith('levels was done')),
  );
});

/** Sends octets over a connection of its own, and gathers what comes back until it ends. */
function said(text: string): Promise<string> {
  return new Promise((resolve) => {
    let got = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
    socket.once('error', () => resolve(got));
    socket.once('close', () => resolve(got));
  });
}

test('requests beyond the limits are refused, and harm nobody', { timeout: 120_000 }, async () => {
  const host = `Host: 127.0.0.1:${port}\r\n`;
  assert.match(await said('EHLO client.test\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await said('GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await said(`GET / HTTP/1.1\r\n${host}Host: evil.test\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 400 /);
  assert.match(await said(`GET http://evil.test/ HTTP/1.1\r\n${host}Connection: close\r\n\r\n`), /^HTTP\/1\.1 400 /);
  assert.match(await said(`GET /${'x'.repeat(httpLimits.headerBytesMax)} HTTP/1.1\r\n${host}\r\n`), /^HTTP\/1\.1 431 /);
  const many = Array.from({ length: httpLimits.fieldsMax }, (_, i) => `x-${i}: y\r\n`).join('');
  assert.match(await said(`GET / HTTP/1.1\r\n${host}${many}\r\n`), /^HTTP\/1\.1 431 /);
  const length = httpLimits.contentBytesMax + 1;
  assert.match(await said(`POST /login HTTP/1.1\r\n${host}Content-Length: ${length}\r\n\r\n`), /^HTTP\/1\.1 413 /);
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n1\r\nx\r\n0\r\n\r\n`;
  assert.match(
    await said(`POST /login HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${chunk}`),
    /^HTTP\/1\.1 413 /,
  );
  const began = Date.now();
  assert.match(await said('GET / HTTP/1.1\r\nHost: '), /^HTTP\/1\.1 408 /);
  assert.ok(Date.now() - began < 3 * httpLimits.headerMs, 'what does not come is not waited for');
  const idle: Socket[] = Array.from({ length: httpLimits.connectionsMax + 8 }, () => connect(port, '127.0.0.1'));
  for (const socket of idle) socket.on('error', () => undefined);
  await until('those beyond the limit are refused', () => idle.filter(({ closed }) => closed).length >= 8);
  for (const socket of idle) socket.destroy();
  await until('it answers again', () =>
    request(port, '/login').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
});

test('the console comes back at its place when the operator process was killed, and mail was never touched', {
  timeout: 120_000,
}, async () => {
  const browser = new Browser(port);
  await browser.logIn(token);
  const pid = /<td>operator 0<\/td><td>(\d+)</.exec((await browser.get('/parts')).text)?.[1];
  process.kill(Number(pid), 'SIGKILL');
  await until(
    'it answers',
    () =>
      request(port, '/api', { fields: { authorization: `Bearer ${token}` } }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    20_000,
  );
  assert.match((await browser.get('/')).text, /name="token"/, 'logins end with the process; the token stays');
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  line.close();
});
