/** The administrator API: every action of the table by HTTP, one route each, its input checked by its own schema. */
import { z } from 'zod';
import type { HttpRequest, HttpResponse } from '../../world/ports/http.ts';
import { actions } from '../actions/index.ts';
import type { Action } from '../actions/action.ts';
import { RESPONSE_BYTES_MAX } from '../control/limits.ts';
import type { ActionEnd } from '../control/server.ts';
import { failure, json, problem } from './answers.ts';
import { inputFromQuery, type InputSchema } from './query.ts';

/** Runs an action; never rejects. */
export type Run = (action: string, input: unknown) => Promise<ActionEnd>;

/** Where the API begins. */
export const API = '/api';

/** Answers a request to a path at or below /api, from somebody who has logged in. */
export async function answerApi(
  request: HttpRequest,
  path: string,
  query: URLSearchParams,
  run: Run,
): Promise<HttpResponse> {
  if (path === API || path === `${API}/`) return isLook(request) ? json(200, index()) : notAllowed('GET, HEAD');
  const name = path.slice(API.length + 1);
  const action = actions.get(name);
  if (action === undefined) {
    const end = await run(name, {});
    return problem(404, end.ok ? '' : end.error.message);
  }
  if (action.local !== undefined)
    return problem(403, `'${name}' is served on the control socket alone: ${action.local}`);
  if (action.changes ? request.method !== 'POST' : !isLook(request))
    return notAllowed(action.changes ? 'POST' : 'GET, HEAD');
  const given: InputEnd = action.changes ? inputFromContent(request) : inputFromQuery(schemaOf(action), query);
  if (!given.ok) return problem(given.status ?? 400, given.problem);
  if ((given.input as { readonly follow?: unknown } | null)?.follow === true)
    return problem(400, 'an answer over HTTP is whole: leave out follow, and ask again with sinceMs');
  return ended(await run(name, given.input));
}

function ended(end: ActionEnd): HttpResponse {
  if (!end.ok) return failure(end.error);
  const response = json(200, end.result ?? null);
  return Buffer.byteLength(response.content) > RESPONSE_BYTES_MAX
    ? problem(500, 'the result is too large; narrow the question')
    : response;
}

const isLook = ({ method }: HttpRequest): boolean => method === 'GET' || method === 'HEAD';

const notAllowed = (allow: string): HttpResponse => problem(405, `this is asked with ${allow}`, { allow });

type InputEnd =
  | { readonly ok: true; readonly input: unknown }
  | { readonly ok: false; readonly problem: string; readonly status?: number };

function inputFromContent({ content, fields }: HttpRequest): InputEnd {
  if (content.length === 0) return { ok: true, input: {} };
  if (!/^application\/json(?:;|$)/i.test(fields['content-type'] ?? ''))
    return { ok: false, problem: 'the input is JSON: Content-Type: application/json', status: 415 };
  try {
    return { ok: true, input: JSON.parse(content.toString('utf8')) as unknown };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, problem: `the input is not JSON: ${error.message}`, status: 400 };
  }
}

const schemas = new Map<string, InputSchema>();

function schemaOf({ name, input }: Action): InputSchema {
  const known = schemas.get(name) ?? (z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as InputSchema);
  schemas.set(name, known);
  return known;
}

function index(): unknown {
  const all = [...actions.values()];
  return {
    actions: all
      .filter(({ local }) => local === undefined)
      .map((action) => ({
        name: action.name,
        summary: action.summary,
        method: action.changes ? 'POST' : 'GET',
        href: `${API}/${action.name}`,
        input: schemaOf(action),
      })),
    onControlSocketAlone: all.flatMap(({ name, local }) => (local === undefined ? [] : [{ name, why: local }])),
  };
}
