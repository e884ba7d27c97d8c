import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HttpConnectClient, type HttpLogin } from './http-connect-client.ts';
import { HTTP_EVIDENCE_BYTES_MAX, HTTP_HEADER_BYTES_MAX, HTTP_INTERIM_MAX } from './limits.ts';
import type { TunnelStep } from './tunnel.ts';

const TARGET = { host: 'mx.example', port: 25 };

/** The answer in pieces of a size. */
function answered(text: string, size = text.length): { client: HttpConnectClient; step: TunnelStep } {
  const client = new HttpConnectClient(TARGET);
  client.open();
  const octets = Buffer.from(text, 'latin1');
  let step: TunnelStep = { kind: 'more' };
  for (let at = 0; at < octets.length && step.kind === 'more'; at += size)
    step = client.receive(octets.subarray(at, at + size));
  return { client, step };
}

const failure = (text: string): string => {
  const { client, step } = answered(text);
  const found = step.kind === 'failed' ? step.failure : client.finish();
  return found === undefined ? step.kind : `${found.kind}${'errno' in found ? ` ${found.errno}` : ''}: ${found.words}`;
};

test('the request names the target, and carries Basic or Bearer', () => {
  const request = (host: string, login?: HttpLogin): string =>
    new HttpConnectClient({ host, port: 25 }, login).open().toString();
  assert.equal(request('mx.example'), 'CONNECT mx.example:25 HTTP/1.1\r\nHost: mx.example:25\r\n\r\n');
  assert.match(request('2001:db8::1'), /^CONNECT \[2001:db8::1\]:25 HTTP\/1\.1\r\nHost: \[2001:db8::1\]:25\r\n/);
  assert.match(
    request('192.0.2.1', { user: 'Aladdin', password: 'open sesame' }),
    /\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n$/,
  );
  assert.match(
    request('192.0.2.1', { token: 'mF_9.B5f-4.1JqM' }),
    /\r\nProxy-Authorization: Bearer mF_9\.B5f-4\.1JqM\r\n\r\n$/,
  );
  assert.throws(() => request('mx.example\r\nX: y'));
  assert.throws(() => request('mx.example', { token: 'a\r\nX: y' }));
});

test('every 2xx opens the tunnel, and all octets behind the header belong to it', () => {
  for (const head of [
    'HTTP/1.1 200 Connection established\r\n\r\n',
    'HTTP/1.0 200 OK\r\nProxy-agent: tinyproxy/1.11\r\n\r\n',
    'HTTP/1.1 204\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n',
  ]) {
    const { step } = answered(`${head}220 mx\r\n\r\n`);
    assert.ok(step.kind === 'open', head);
    assert.equal(step.rest.toString(), '220 mx\r\n\r\n');
  }
});

test('interim answers are passed over, so many and no more', () => {
  const interim = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';
  const { step } = answered(`${interim.repeat(HTTP_INTERIM_MAX)}HTTP/1.1 200 OK\r\n\r\nrest`, 7);
  assert.ok(step.kind === 'open' && 'rest'.startsWith(step.rest.toString()));
  assert.match(failure(interim.repeat(HTTP_INTERIM_MAX + 1)), /^wrong-protocol/);
  assert.match(failure('HTTP/1.1 101 Switching Protocols\r\n\r\n'), /^wrong-protocol/);
});

test('a refusal keeps the words of the proxy', () => {
  assert.equal(
    failure('HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\nport 25: no\n'),
    'refused: 403 Forbidden; port 25: no',
  );
  assert.equal(
    failure(
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    ),
    'login-refused: 407 Proxy Authentication Required; it asks for Basic realm="x"',
  );
  assert.equal(
    failure('HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n'),
    'target-unreachable ETIMEDOUT: 504 Gateway Timeout',
  );
  assert.equal(
    failure('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'),
    'target-unreachable EHOSTUNREACH: 503 Service Unavailable',
  );
  assert.equal(failure('HTTP/1.1 400 Bad Request\r\n\r\nhalf a sen'), 'refused: 400 Bad Request; half a sen');
  assert.equal(failure('HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n'), 'refused: 302 Found');
});

test('of a page of HTML the words are kept', () => {
  const page = '<html><head><title>403 No</title></head>\n<body><h1>Port 25</h1> is <b>forbidden</b></body></htm';
  assert.equal(failure(`HTTP/1.1 403 No\r\n\r\n${page}`), 'refused: 403 No; 403 No Port 25 is forbidden');
});

test('of the text of a refusal the first 512 octets are kept', () => {
  const { step } = answered(`HTTP/1.1 500 Unable to connect\r\n\r\n${'x'.repeat(100_000)}`, 1000);
  assert.ok(step.kind === 'failed');
  assert.equal(step.failure.words, `500 Unable to connect; ${'x'.repeat(HTTP_EVIDENCE_BYTES_MAX)}`);
});

test('what is not HTTP is noticed, at its first octets where they suffice', () => {
  for (const wrong of [
    '220 mail ESMTP\r\n',
    '\x05\xff',
    'S',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 200 OK\n\n',
    '\r\n\r\n',
    'HTTP/1.1 200 OK\r\n folded: x\r\n\r\n',
    'HTTP/1.1 200 OK\r\nname : x\r\n\r\n',
    'HTTP/1.1 200 OK\r\nname: \0\r\n\r\n',
  ]) {
    assert.match(failure(wrong), /^wrong-protocol/, JSON.stringify(wrong));
  }
  assert.equal(failure('HTTP/1.'), 'more');
});

test('a header has a bound, interim ones included', () => {
  const line = `X: ${'y'.repeat(1000)}\r\n`;
  assert.match(
    failure(`HTTP/1.1 200 OK\r\n${line.repeat(17)}`),
    new RegExp(`longer than ${HTTP_HEADER_BYTES_MAX} octets`),
  );
  assert.match(failure(`HTTP/1.1 200 ${'y'.repeat(HTTP_HEADER_BYTES_MAX)}`), /longer than/);
  assert.match(failure(`HTTP/1.1 100 Continue\r\n${line.repeat(9)}\r\n`.repeat(2)), /longer than/);
});

test('it is the same however the answer is cut, and nothing makes the client throw', () => {
  const answer = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nVia: x\r\n\r\n';
  for (let size = 1; size <= answer.length; size += 1) {
    const { step } = answered(answer, size);
    assert.ok(step.kind === 'open' && step.rest.length === 0, `pieces of ${size}`);
  }
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 6 }), (chunks) => {
      const client = new HttpConnectClient(TARGET);
      client.open();
      for (const chunk of ['HTTP/1.1 ', ...chunks]) if (client.receive(Buffer.from(chunk)).kind !== 'more') break;
    }),
  );
});
