/** Responses of the administrator API and the console. */
import type { HttpResponse } from '../../world/ports/http.ts';
import type { Failure, FailureKind } from '../control/frames.ts';

/** Nothing is loaded from elsewhere, nothing runs, nobody frames it, and forms go nowhere else. */
const POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** On every response. Without an origin of its own no form could be told from another site's: hence no `no-referrer`. */
const ALWAYS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
};

type Fields = Readonly<Record<string, string>>;

/** Any response. */
export function answer(status: number, type: string, content: string, fields: Fields = {}): HttpResponse {
  return { status, fields: { ...ALWAYS, 'content-type': type, ...fields }, content };
}

/** A page of the console. */
export const page = (status: number, content: string, fields: Fields = {}): HttpResponse =>
  answer(status, 'text/html; charset=utf-8', content, fields);

/** Sends a browser on after a form. */
export const seeOther = (location: string, fields: Fields = {}): HttpResponse =>
  answer(303, 'text/plain', '', { location, ...fields });

/** A result of the API. */
export const json = (status: number, value: unknown, fields: Fields = {}): HttpResponse =>
  answer(status, 'application/json', `${JSON.stringify(value)}\n`, fields);

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What went wrong, as problem details (RFC 9457 §3); the type stays about:blank, so the title is that of the status (RFC 9457 §4.2.1). */
export function problem(
  status: number,
  detail: string,
  fields: Fields = {},
  more: Readonly<Record<string, unknown>> = {},
): HttpResponse {
  const body = { type: 'about:blank', title: TITLES[status] ?? '', status, detail, ...more };
  return answer(status, 'application/problem+json', `${JSON.stringify(body)}\n`, fields);
}

const STATUSES: Readonly<Record<FailureKind, number>> = {
  usage: 400,
  'not-found': 404,
  'needs-confirmation': 409,
  refused: 409,
  unavailable: 503,
  failed: 500,
};

/** The status that goes with a failure of an action. */
export const statusOf = ({ kind }: Failure): number => STATUSES[kind];

/** An action that was not done, in the words of the command line. */
export function failure(error: Failure): HttpResponse {
  const { kind, message, details } = error;
  return problem(STATUSES[kind], message, {}, { kind, ...(details === undefined ? {} : { details }) });
}
