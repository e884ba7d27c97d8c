import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventReference } from '../../src/events/reference.ts';
import { fromJson, toJson } from '../../src/events/render.ts';
import { main, type CliIo } from '../../src/operate/cli/main.ts';
import { checkIds } from '../../src/operate/doctor/index.ts';
import { bodyOf, parseArticle, type Article } from '../../src/operate/knowledge/article.ts';
import { errorCodes, originalNumbers } from '../../src/operate/knowledge/codes.ts';
import { phrases } from '../../src/operate/knowledge/phrases.ts';
import { searchArticles } from '../../src/operate/knowledge/search.ts';
import { expectNone } from './expect.ts';
import { read, trackedPaths, type Finding } from './source.ts';

/** Articles about more than one event, by name. */
const TOPICS = new Set(['behind-a-proxy-2001', 'other-servers-refuse-our-mail']);

const events = eventReference();
const texts = trackedPaths
  .filter((path) => /^kb\/[^/]*\.md$/.test(path))
  .map((path) => ({ path, name: path.slice('kb/'.length, -'.md'.length), text: read(path).text }));
const parsed = texts.map(({ path, name, text }) => ({ path, text, read: parseArticle(name, text) }));
const articles = parsed.flatMap(({ path, text, read: one }) =>
  'problem' in one ? [] : [{ path, text, article: one }],
);
const names = new Set(texts.map(({ name }) => name));

const finding = (path: string, what: string): Finding => ({ path, line: 1, what });

test('every event that asks something of a person has an article', () => {
  expectNone(
    'events without article',
    events
      .filter(
        ({ number, severity, advice }) => (severity !== 'information' || advice !== '') && !names.has(`${number}`),
      )
      .map(({ number, name }) => finding(`kb/${number}.md`, `is missing, the article of ${name}`)),
  );
});

test('every article belongs to an event or is a named topic', () => {
  const numbers = new Set(events.map(({ number }) => `${number}`));
  assert.deepEqual(
    [...names].filter((name) => !numbers.has(name) && !TOPICS.has(name)),
    [],
  );
});

test('articles have the fixed headings, in order, none empty', () => {
  expectNone(
    'forms of articles',
    parsed.flatMap(({ path, read: one }) => ('problem' in one ? [finding(path, one.problem)] : [])),
  );
});

test('articles are titled as their events, and between 20 and 80 lines long', () => {
  const titles = new Map(events.map(({ number, title }) => [number, title]));
  expectNone(
    'titles and lengths of articles',
    articles.flatMap(({ path, text, article }) => {
      const lines = text.split('\n').length;
      const title = article.number === undefined ? article.title : titles.get(article.number);
      return [
        ...(article.title === title ? [] : [finding(path, `its title is not "${title ?? ''}"`)]),
        ...(lines >= 20 && lines <= 80 ? [] : [finding(path, `has ${lines} lines`)]),
      ];
    }),
  );
});

function exampleFault({ example, number }: Article): string | undefined {
  if (number === undefined) return undefined;
  const record = fromJson(example);
  const declared = events.find((event) => event.number === number);
  if (record === undefined || declared === undefined) return 'its example line is no event';
  if (record.number !== number) return `its example line is event ${record.number}`;
  const wanted = declared.fields.map((field) => field.name).join(', ');
  const given = Object.keys(record.data).join(', ');
  if (wanted !== given) return `its example line has the fields ${given}, declared are ${wanted}`;
  if (toJson(record) !== example) return `its example line would be printed as ${toJson(record)}`;
  return undefined;
}

test('the example line of an article is what the service prints for that event', () => {
  expectNone(
    'example lines',
    articles.flatMap(({ path, article }) => {
      const fault = exampleFault(article);
      return fault === undefined ? [] : [finding(path, fault)];
    }),
  );
});

test('links of articles lead to articles, and all that the search names exist', () => {
  const links = texts.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]*)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https:\/\//.test(target) && !names.has(target.replace(/\.md$/, '')))
      .map((target) => finding(path, `leads to ${target}, which is not there`)),
  );
  const named = [...errorCodes, ...phrases].flatMap((one) => one.articles).concat([...originalNumbers.values()].flat());
  const unknown = [...new Set(named)].filter((name) => !names.has(name));
  expectNone('links of articles', [
    ...links,
    ...unknown.map((name) => finding('src/operate/knowledge', `names the article ${name}, which is not there`)),
  ]);
});

test('settings that articles name exist', () => {
  const known = read('docs/reference/configuration.md').text;
  const sections = [...known.matchAll(/^## (\w+)/gm)].map(([, section]) => section).join('|');
  const setting = new RegExp(`\`((?:${sections})\\.[A-Za-z.<>*]+)\``, 'g');
  const eventNames = new Set(events.map(({ name }) => name));
  expectNone(
    'settings in articles',
    texts.flatMap(({ path, text }) =>
      [...text.matchAll(setting)]
        .map(([, key = '']) => key)
        .filter((key) => !known.includes(`\`${key}\``) && !eventNames.has(key))
        .map((key) => finding(path, `names the setting ${key}, which is not in the reference`)),
    ),
  );
});

test('error texts of other programs lead to the article among those that are written', () => {
  const cases: ReadonlyArray<readonly [asked: string, name: string]> = [
    ['postfix/master[811]: fatal: bind 0.0.0.0 port 25: Address already in use', '4007'],
    ['status=bounced (Host or domain name not found. Name service error for name=x.example type=MX)', '3701'],
    ['554 5.7.1 <bob@example.org>: Relay access denied', '3352'],
    ['warning: TLS library problem: error:0A000086:SSL routines::certificate verify failed', '3452'],
    ['fatal: write queue file: No space left on device', '3018'],
    ['socketserver: accept: Too many open files', '3201'],
    ['R=dnslookup T=remote_smtp: lost connection with mx.example.org while sending end of data', '3350'],
    ['Error=11004 while trying to retrieve protocol information', 'behind-a-proxy-2001'],
    ['Winsock error 10013', '4007'],
    ['EROFS', '4900'],
    ['my service does not start', '4020'],
    ['disk full', '3018'],
    ['smtp-out: Failed to resolve MX for [relay:good.test]: Temporary failure in MX lookup', '3701'],
    ['[NOTICE] [outbound] MX Lookup for good.test failed: Error: queryMx ECONNREFUSED good.test', '3701'],
    ['554 5.7.25 mx.good.test rejects [192.0.2.10]: no PTR record (reverse DNS)', 'other-servers-refuse-our-mail'],
    ['450 4.7.1 <mta.local.test>: Helo command rejected: Host not found', 'other-servers-refuse-our-mail'],
    ['socket bind() to port 25 for address (any IPv4) failed: Connection refused: waiting 30s', 'behind-a-proxy-2001'],
    [
      "ERROR: ld.so: object '/usr/lib/x.so' from /etc/ld.so.preload cannot be preloaded: ignored.",
      'behind-a-proxy-2001',
    ],
    ['error:0A000415:SSL routines::sslv3 alert certificate expired', '3750'],
    ['spool directory space check failed: space=0 inodes=3085504', '3018'],
    ['warning: saving corrupt file "0DBE5B5" from queue "active" to queue "corrupt"', '4301'],
    ['bad numerical configuration: message_size_limit = ten megabytes', '4750'],
    ["Didn't find right amount of data in todo", '4301'],
    ['lost connection with mx.example.org[192.0.2.1] while receiving the initial server greeting', '3350'],
  ];
  const written = articles.map(({ article }) => article);
  assert.deepEqual(
    cases.map(([asked]) => [asked, searchArticles(written, asked)[0]?.article.name]),
    cases,
  );
});

test('an event that is pasted, as a line of JSON or as its text alone, leads to its own article', () => {
  const written = articles.map(({ article }) => article);
  const wrong = written.flatMap(({ name, example }) => {
    if (example === '') return [];
    const { text }: { readonly text: string } = JSON.parse(example);
    return [example, text]
      .filter((asked) => searchArticles(written, asked)[0]?.article.name !== name)
      .map((asked) => finding(`kb/${name}.md`, `is not found by ${asked}`));
  });
  expectNone('articles by their events', wrong);
});

const helps = new Map<string, Promise<string>>();

/** The help that the command line prints for some words. */
function help(words: string): Promise<string> {
  const known = helps.get(words);
  if (known !== undefined) return known;
  let text = '';
  const output = { write: (part: string) => (text += part), isTTY: true, columns: 120 };
  const io = { stdout: output, stderr: output, environment: {}, version: '0' } as unknown as CliIo;
  const made = main([...words.split(' '), '--help'], io).then(() => text);
  helps.set(words, made);
  return made;
}

/** What is wrong with a command line that an article names. */
async function commandFault(line: string): Promise<string | undefined> {
  const words =
    line
      .replace(/ [|>] .*$/, '')
      .match(/'[^']*'|"[^"]*"|\S+/g)
      ?.slice(1) ?? [];
  let [command = ''] = words;
  if (command.startsWith('--')) return undefined;
  const own = await help(command);
  if (!own.startsWith(`Usage: ims ${command} `)) return `"${line}": ims knows no command ${command}`;
  const second = words[1] ?? '';
  if (own.includes('Commands:') && new RegExp(`^ {2}${second}(?: |\\|)`, 'm').test(own))
    command = `${command} ${second}`;
  else if (own.includes('Commands:') && command !== 'kb') return `"${line}": ims ${command} knows no ${second}`;
  const text = `${await help(command)}${await help('')}`;
  if (command === 'doctor') {
    const only = words[words.indexOf('--only') + 1] ?? '';
    const known = checkIds.some((id) => id === only || id.startsWith(`${only}.`));
    if (words.includes('--only') && !known) return `"${line}": there is no check or area ${only}`;
  }
  const option = words
    .filter((word) => word.startsWith('--'))
    .find((word) => !text.includes(`${word} `) && !text.includes(`${word}\n`));
  return option === undefined ? undefined : `"${line}": ims ${command} takes no ${option}`;
}

test('the rule finds commands and options that do not exist', async () => {
  assert.deepEqual(
    await Promise.all(
      [
        'ims status',
        'ims stats',
        'ims queue list --held',
        'ims queue lst',
        'ims queue list --hold',
        'ims kb 4007',
        'ims doctor --only names',
        'ims doctor --only name',
      ].map(commandFault),
    ),
    [
      undefined,
      '"ims stats": ims knows no command stats',
      undefined,
      '"ims queue lst": ims queue knows no lst',
      '"ims queue list --hold": ims queue list takes no --hold',
      undefined,
      undefined,
      '"ims doctor --only name": there is no check or area name',
    ],
  );
});

test('commands that articles name exist with their options', async () => {
  const lines = articles.flatMap(({ path, article }) =>
    [...bodyOf(article).matchAll(/`(ims [^`]*)`/g)].map(([, line = '']) => ({ path, line: line.replace(/\s+/g, ' ') })),
  );
  assert.ok(lines.length > 100);
  const found: Finding[] = [];
  for (const { path, line } of lines) {
    const fault = await commandFault(line);
    if (fault !== undefined) found.push(finding(path, fault));
  }
  expectNone('commands in articles', found);
});
