import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../../test/support/claims.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { HttpResponse } from '../../world/ports/http.ts';
import { actions } from '../actions/index.ts';
import { RESPONSE_BYTES_MAX } from '../control/limits.ts';
import type { ActionEnd } from '../control/server.ts';
import { Front } from './front.ts';
import {
  ANSWER_MS,
  FAILED_LOGINS_MAX,
  FAILED_LOGINS_MS,
  FAILED_LOGINS_TOLD_MS,
  REQUESTS_MAX,
  SESSION_IDLE_MS,
  SESSION_MS,
  SESSIONS_MAX,
} from './limits.ts';

const TOKEN = 'the-token-of-this-test';
const HOST = '127.0.0.1:8026';

/** What a request says besides its target. */
interface Said {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: string;
}

function stage(run: (action: string, input: unknown) => Promise<ActionEnd> = async () => ({ ok: true, result: {} })) {
  const clock = new ManualClock();
  const journal = memoryJournal();
  let bytes = 0;
  const front = new Front({
    clock,
    journal,
    random: {
      bytes: (count) => {
        bytes += 1;
        return Buffer.alloc(count, bytes);
      },
      fraction: () => 0,
    },
    serverName: () => 'mail.example.test',
    token: () => TOKEN,
    run,
    articles: async () => ({ ok: false, why: 'none' }),
  });
  const ask = (target: string, { method = 'GET', fields = {}, content = '' }: Said = {}): Promise<HttpResponse> =>
    front.answer({ method, target, fields: { host: HOST, ...fields }, content: Buffer.from(content) });
  const api = (path: string, said: Said = {}): Promise<HttpResponse> =>
    ask(path, { ...said, fields: { authorization: `Bearer ${TOKEN}`, ...said.fields } });
  const form = (
    target: string,
    content: string,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<HttpResponse> =>
    ask(target, {
      method: 'POST',
      content,
      fields: { 'content-type': 'application/x-www-form-urlencoded', ...fields },
    });
  const logIn = async (): Promise<string> => {
    const { status, fields } = await form('/login', `token=${TOKEN}`);
    assert.equal(status, 303);
    return (fields['set-cookie'] ?? '').split(';')[0] ?? '';
  };
  return { clock, journal, front, ask, api, form, logIn };
}

const detailOf = ({ content }: HttpResponse): string => (JSON.parse(content) as { detail: string }).detail;

test('a host name that is not ours is refused before anything else, whatever it leads to', async () => {
  const { ask } = stage();
  for (const host of ['evil.test', '127.0.0.1.evil.test:8026', 'localhost.evil.test', '', '[::2]', 'a b', '10.0.0.1'])
    assert.equal((await ask('/login', { fields: { host } })).status, 421, host);
  for (const host of ['127.0.0.1:9', 'localhost', 'LOCALHOST:1', '[::1]:8026', '127.9.9.9', 'mail.example.test'])
    assert.equal((await ask('/login', { fields: { host } })).status, 200, host);
});

test('a change that a page of another site asks for is refused, also with all secrets', async () => {
  const { api, logIn, form } = stage();
  for (const origin of [
    'https://evil.test',
    'null',
    'http://127.0.0.1:9999',
    'file://',
    'http://127.0.0.1:8026.evil.test',
  ])
    assert.equal((await api('/api/reload', { method: 'POST', fields: { origin } })).status, 403, origin);
  for (const origin of [`http://${HOST}`, 'https://mail.example.test'])
    assert.equal((await api('/api/reload', { method: 'POST', fields: { origin } })).status, 200, origin);
  const cookie = await logIn();
  assert.equal((await form('/logout', 'form=x', { cookie, origin: 'https://evil.test' })).status, 403);
});

test('the API asks for the token, and a cookie does not stand in for it', async () => {
  const { ask, logIn } = stage();
  const cookie = await logIn();
  for (const fields of [{}, { cookie }, { authorization: 'Basic eDp5' }, { authorization: 'Bearer x' }] as const) {
    const refused = await ask('/api/status', { fields });
    assert.equal(refused.status, 401);
    assert.equal(refused.fields['www-authenticate'], 'Bearer realm="ims"');
    assert.equal(refused.fields['content-type'], 'application/problem+json');
  }
});

test('every action has a route by its kind, but those that only the control socket may ask for', async () => {
  const asked: string[] = [];
  const { api } = stage(async (action) => {
    asked.push(action);
    return { ok: true, result: action };
  });
  for (const { name, changes, local } of actions.values()) {
    const right = changes ? 'POST' : 'GET';
    const { status } = await api(`/api/${name}`, { method: right });
    assert.equal(status, local === undefined ? 200 : 403, name);
    if (local !== undefined) continue;
    const wrong = await api(`/api/${name}`, { method: changes ? 'GET' : 'POST' });
    assert.equal(wrong.status, 405, name);
    assert.match(wrong.fields['allow'] ?? '', new RegExp(right));
  }
  const served = [...actions.values()].filter(({ local }) => local === undefined).map(({ name }) => name);
  assert.deepEqual(asked, served);
  const index = JSON.parse((await api('/api')).content) as { actions: { name: string; input: { type: string } }[] };
  assert.deepEqual(
    index.actions.map(({ name }) => name),
    served,
  );
  assert.ok(index.actions.every(({ input }) => input.type === 'object'));
  for (const secret of ['console.show', 'outside.look', 'listeners.introduce', 'queue.take'])
    assert.ok(!served.includes(secret), secret);
});

test('the input comes from the query by the types of the schema, or from the content as JSON', async () => {
  const seen: unknown[] = [];
  const { api } = stage(async (action, input) => {
    seen.push(input);
    return { ok: true, result: action };
  });
  await api('/api/queue.list?most=5&filter.domain=a%26b.test&filter.held=true&filter.olderThanMs=10');
  await api('/api/events?numbers=4007,3018&numbers=1000&severity=error');
  const type = { 'content-type': 'application/json' };
  await api('/api/queue.hold', { method: 'POST', content: '{"filter":{"queueId":"0-1"}}', fields: type });
  await api('/api/reload', { method: 'POST' });
  assert.deepEqual(seen, [
    { most: 5, filter: { domain: 'a&b.test', held: true, olderThanMs: 10 } },
    { numbers: [4007, 3018, 1000], severity: 'error' },
    { filter: { queueId: '0-1' } },
    {},
  ]);
  assert.equal(
    detailOf(await api('/api/queue.list?domain=x')),
    "there is no input 'domain'; there are: filter.queueId, filter.nextHop, filter.domain, filter.sender, filter.recipient, filter.messageId, filter.held, filter.olderThanMs, offset, most, after",
  );
  for (const query of [
    '__proto__.x=1',
    'constructor.name=1',
    'filter.__proto__=1',
    'a.b.c.d.e.f=1',
    'filter.domain.x=1',
  ])
    assert.equal((await api(`/api/queue.list?${query}`)).status, 400, query);
  assert.equal((await api('/api/reload', { method: 'POST', content: '{', fields: type })).status, 400);
  assert.equal((await api('/api/reload', { method: 'POST', content: 'a=b' })).status, 415);
  assert.match(detailOf(await api('/api/events?follow=true')), /leave out follow/);
  assert.equal(seen.length, 4);
});

test('what an action refuses is a problem with the words of the command line', async () => {
  const kinds = {
    usage: 400,
    'not-found': 404,
    'needs-confirmation': 409,
    refused: 409,
    unavailable: 503,
    failed: 500,
  } as const;
  for (const [kind, status] of Object.entries(kinds) as [keyof typeof kinds, number][]) {
    const { api } = stage(async () => ({ ok: false, error: { kind, message: `words of ${kind}`, details: { a: 1 } } }));
    const response = await api('/api/status');
    const body = JSON.parse(response.content) as Record<string, unknown>;
    assert.equal(response.status, status);
    assert.deepEqual(
      [body['type'], body['status'], body['detail'], body['kind']],
      ['about:blank', status, `words of ${kind}`, kind],
    );
  }
  const { api } = stage(async (name) => ({
    ok: false,
    error: { kind: 'usage', message: `there is no action '${name}'` },
  }));
  const unknown = await api('/api/statsu');
  assert.equal(unknown.status, 404);
  assert.match(detailOf(unknown), /there is no action 'statsu'/);
});

test('an answer that is too large is none', async () => {
  const { api } = stage(async () => ({ ok: true, result: 'x'.repeat(RESPONSE_BYTES_MAX) }));
  const response = await api('/api/status');
  assert.equal(response.status, 500);
  assert.match(detailOf(response), /too large; narrow the question/);
});

test('more requests at once than may be are asked to come again, and an answer that does not come is given up', async () => {
  const { clock, api } = stage(() => new Promise(() => undefined));
  const waiting = Array.from({ length: REQUESTS_MAX }, () => api('/api/status'));
  const refused = await api('/api/status');
  assert.equal(refused.status, 503);
  assert.equal(refused.fields['retry-after'], '1');
  clock.advance(ANSWER_MS);
  for (const one of await Promise.all(waiting)) assert.match(detailOf(one), /did not answer within 30 s/);
  assert.equal((await api('/api')).status, 200);
});

test('a defect is told, and answered in words', async () => {
  const { ask, journal, logIn } = stage();
  const cookie = await logIn();
  const response = await ask('/parts', { fields: { cookie } });
  assert.equal(response.status, 500);
  assert.deepEqual(journal.names, ['console.entered', 'control.action-failed']);
});

test('after too many wrong tokens others are put off for a while, the right one is not; it is told once, and again after an hour', async () => {
  const { clock, journal, api, logIn, ask, form } = stage();
  const cookie = await logIn();
  const wrong = (): Promise<HttpResponse> => api('/api', { fields: { authorization: 'Bearer wrong' } });
  const exhaust = async (): Promise<void> => {
    for (let i = 0; i < FAILED_LOGINS_MAX; i += 1) assert.equal((await wrong()).status, 401);
  };
  await exhaust();
  assert.equal((await wrong()).status, 429);
  assert.equal((await form('/login', 'token=wrong')).status, 429);
  assert.equal((await api('/api')).status, 200);
  assert.equal((await ask('/doctor', { fields: { cookie } })).status, 200, 'who is logged in stays so');
  clock.advance(FAILED_LOGINS_MS);
  await exhaust();
  assert.deepEqual(journal.names, ['console.entered', 'console.logins-refused']);
  clock.advance(FAILED_LOGINS_TOLD_MS);
  await exhaust();
  assert.equal(journal.names.filter((name) => name === 'console.logins-refused').length, 2);
});

test('a login ends by itself, by order, when it is idle, and when the token is another', async () => {
  const refused = { ok: false, error: { kind: 'refused', message: 'seen' } } as const;
  const { clock, front, ask, form, logIn } = stage(async () => refused);
  const isIn = async (cookie: string): Promise<boolean> => (await ask('/', { fields: { cookie } })).status === 409;
  const first = await logIn();
  assert.ok(await isIn(first));
  assert.ok(!(await isIn(`${first}x`)) && !(await isIn('')));
  clock.advance(SESSION_IDLE_MS);
  assert.ok(!(await isIn(first)), 'idle');
  const second = await logIn();
  for (let ms = 0; ms < SESSION_MS; ms += SESSION_IDLE_MS / 2) {
    assert.ok(await isIn(second));
    clock.advance(SESSION_IDLE_MS / 2);
  }
  assert.ok(!(await isIn(second)), 'too long');
  const third = await logIn();
  front.endSessions();
  assert.ok(!(await isIn(third)), 'another token');
  const fourth = await logIn();
  const page = (await ask('/', { fields: { cookie: fourth } })).content;
  const token = /name="form" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const out = await form('/logout', `form=${token}`, { cookie: fourth });
  assert.match(out.fields['set-cookie'] ?? '', /^ims-console-[0-9a-f]{8}=; .*Max-Age=0/);
  assert.ok(!(await isIn(fourth)), 'logged out');
});

test('of more logins than may be the one that has been idle for longest ends', async () => {
  const { clock, ask, logIn } = stage(async () => ({ ok: false, error: { kind: 'refused', message: 'seen' } }));
  const cookies: string[] = [];
  for (let i = 0; i <= SESSIONS_MAX; i += 1) {
    cookies.push(await logIn());
    clock.advance(1);
  }
  const statuses: number[] = [];
  for (const cookie of cookies) statuses.push((await ask('/', { fields: { cookie } })).status);
  assert.deepEqual(statuses, [303, ...Array.from({ length: SESSIONS_MAX }, () => 409)]);
});

test('a form without the word of its login does nothing', async () => {
  const asked: string[] = [];
  const { ask, form, logIn } = stage(async (action) => {
    asked.push(action);
    return { ok: true, result: {} };
  });
  const cookie = await logIn();
  for (const content of ['', 'form=', 'form=wrong'])
    for (const path of ['/doctor', '/logout', '/queue/0-1/hold'])
      assert.equal((await form(path, content, { cookie })).status, 403);
  assert.equal(
    (
      await ask('/doctor', {
        method: 'POST',
        content: '{"form":"x"}',
        fields: { cookie, 'content-type': 'text/plain' },
      })
    ).status,
    403,
  );
  assert.deepEqual(asked, []);
});

test('the login leads back to the page that was asked for, and to no other place', async () => {
  const { ask, form } = stage();
  assert.equal((await ask('/queue?offset=50')).fields['location'], '/login?to=%2Fqueue%3Foffset%3D50');
  const leads = async (to: string): Promise<string | undefined> =>
    (await form('/login', new URLSearchParams({ token: TOKEN, to }).toString())).fields['location'];
  assert.equal(await leads('/queue?offset=50'), '/queue?offset=50');
  for (const to of ['https://evil.test', '//evil.test', '/\\evil.test', 'queue', '', '/a\r\nset-cookie: x'])
    assert.equal(await leads(to), '/', to);
});

test('the cookie is for our pages alone, and for TLS where that came by it', async () => {
  const { form } = stage();
  const cookie = async (fields = {}): Promise<string> =>
    (await form('/login', `token=${TOKEN}`, fields)).fields['set-cookie'] ?? '';
  assert.match(
    await cookie(),
    /^ims-console-[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/,
  );
  assert.match(await cookie({ origin: 'https://mail.example.test' }), /; Secure$/);
});
