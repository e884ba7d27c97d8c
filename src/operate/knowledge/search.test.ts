import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventReference } from '../../events/reference.ts';
import { HEADINGS, parseArticle, type Article } from './article.ts';
import { QUERY_LENGTH_MAX, RESULTS_MAX } from './limits.ts';
import { phrases } from './phrases.ts';
import { searchArticles } from './search.ts';

const article = (name: string, title: string, body = 'Words.'): Article => {
  const read = parseArticle(
    name,
    `# ${/^\d/.test(name) ? `${name}: ` : ''}${title}\n${HEADINGS.map((heading) => `\n## ${heading}\n\n${body}\n`).join('')}`.replace(
      '## Why',
      /^\d/.test(name) ? '```json\n{}\n```\n\n## Why' : '## Why',
    ),
  );
  assert.ok(!('problem' in read), 'problem' in read ? read.problem : '');
  return read;
};

/** An article for every event and topic, so that the tables can be tried without the texts. */
const articles = [
  ...eventReference()
    .filter(({ severity }) => severity !== 'information')
    .map(({ number, title, advice }) => article(String(number), title, `${advice} Words.`)),
  article('behind-a-proxy-2001', 'Behind a proxy'),
  article('other-servers-refuse-our-mail', 'Other servers refuse our mail'),
];

const first = (asked: string): string | undefined => searchArticles(articles, asked)[0]?.article.name;

test('pasted error texts of other programs lead to the article', () => {
  const cases: ReadonlyArray<readonly [asked: string, name: string]> = [
    ['postfix/master[811]: fatal: bind 0.0.0.0 port 25: Address already in use', '4007'],
    ['Error: listen EADDRINUSE: address already in use :::25', '4007'],
    ['Error: listen EACCES: permission denied 0.0.0.0:25', '4007'],
    ['554 5.7.1 <bob@example.org>: Relay access denied', '3352'],
    [
      'Host or domain name not found. Name service error for name=example.org type=MX: Host not found, try again',
      '3701',
    ],
    ['SSL routines:tls_process_server_certificate:certificate verify failed', '3452'],
    ['write failed: No space left on device', '3018'],
    ['accept: Too many open files', '3201'],
    [
      'lost connection with mx1.example.org[192.0.2.1] while sending end of data -- message may be sent more than once',
      '3350',
    ],
    ['connect to mx1.example.org[192.0.2.1]:25: Connection timed out', '3350'],
    ['mail for example.net loops back to myself', '4115'],
    ['lowest numbered MX record points to local host', '4115'],
    ['SASL authentication failed; server smtp.example.org said: 535 5.7.8', '3451'],
    ['kernel: Out of memory: Killed process 4711 (node)', '3800'],
    ['getaddrinfo EAI_AGAIN mx1.example.org', '3701'],
    ['x509 certificate routines:X509_check_private_key:key values mismatch', '3750'],
    ['The following error occurred while trying to retrieve protocol information. Error=11004', 'behind-a-proxy-2001'],
    ['Winsock 10048', '4007'],
    ['WSAEADDRINUSE', '4007'],
    ['10013', '4007'],
    ['11004', 'behind-a-proxy-2001'],
    ['bind: errno 98', '4007'],
    ['write error (28)', '3018'],
    ['ims-gateway@203.0.113.5: Permission denied (publickey).', '3662'],
    ['channel 2: open failed: administratively prohibited: open failed', '3663'],
    ['Warning: remote port forwarding failed for listen port 25', '3664'],
    ['Host key verification failed.', '3661'],
    ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @', '3661'],
    ['WARNING: UNPROTECTED PRIVATE KEY FILE!', '3666'],
    ['ssh: connect to host gateway.example.net port 22: Connection refused', '3660'],
    ['kex_exchange_identification: read: Connection reset by peer', '3667'],
    ['drop connection #1 from [198.51.100.4]:40950 on [203.0.113.5]:22 past MaxStartups', '3660'],
    ['Unable to negotiate with 203.0.113.5 port 22: no matching cipher found. Their offer: aes256-cbc', '3667'],
    ['Timeout, server gateway.example.net not responding.', '3665'],
    ['event 4003', '4003'],
    ['4020', '4020'],
    ['storage.space-low', '3018'],
    ['{"time":"2026-11-22T18:00:00.120Z","event":4007,"name":"x"}', '4007'],
    ['Event ID: 4007', '4007'],
    [
      'listener mx could not be bound to 0.0.0.0 port 25: EFOO, why; everything else runs, and it is tried again',
      '4007',
    ],
    ['postfix/smtp[4007]: connect to x: connection timed out, size=4131', '3350'],
  ];
  assert.deepEqual(
    cases.map(([asked]) => [asked, first(asked)]),
    cases.map(([asked, name]) => [asked, name]),
  );
});

test('plain words find an article by its title', () => {
  assert.equal(first('disk space low'), '3018');
  assert.equal(first('the clock jumped'), '3351');
  assert.equal(first('listener not bound'), '4007');
});

test('what says nothing finds nothing', () => {
  for (const asked of ['', '   ', 'xyzzy', 'the and of', '250 2.0.0 OK', '12 34']) {
    assert.deepEqual(searchArticles(articles, asked), [], asked);
  }
});

test('a port, a time or an address is no event number', () => {
  assert.equal(first('2026-11-22 40:07 192.0.2.1:4007 v4.4007 [4007] size=4007 (4007) 4007-08'), undefined);
});

test('the phrases are small letters with single spaces, each once, and enough of them', () => {
  const fragments = phrases.map(({ fragment }) => fragment);
  assert.deepEqual(
    fragments.filter((one) => one !== one.toLowerCase().replace(/\s+/g, ' ').trim()),
    [],
  );
  assert.equal(new Set(fragments).size, fragments.length);
  assert.ok(fragments.length >= 60);
});

test('any text gives at most so many results, and what is beyond the limit is not looked at', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (asked) => searchArticles(articles, asked).length <= RESULTS_MAX),
    { numRuns: 50 },
  );
  assert.equal(first(`${'x'.repeat(QUERY_LENGTH_MAX)} 4007`), undefined);
  assert.equal(searchArticles(articles, articles.map(({ name }) => name).join(' ')).length, RESULTS_MAX);
});
