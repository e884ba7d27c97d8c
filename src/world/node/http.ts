import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import type { Http, HttpLimits, HttpRequest, HttpResponse } from '../ports/http.ts';

/** How often times are looked at. */
const LOOK_MS = 1_000;

/** What a parser's error means for who sent it. */
const REFUSALS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const plain = (status: number, connection: 'close' | 'keep-alive' = 'close'): HttpResponse => ({
  status,
  fields: { 'content-type': 'text/plain', 'cache-control': 'no-store', connection },
  content: `${http.STATUS_CODES[status] ?? ''}\n`,
});

/** HTTP/1.1 by Node's own server. */
export const nodeHttp: Http = {
  serve: (handle, limits, answer) =>
    new Promise((resolve, reject) => {
      const server = http.createServer(
        {
          maxHeaderSize: limits.headerBytesMax,
          headersTimeout: limits.headerMs,
          requestTimeout: limits.requestMs,
          keepAliveTimeout: limits.keptMs,
          connectionsCheckingInterval: LOOK_MS,
          noDelay: true,
        },
        (request, response) => void serveOne(request, response, limits, answer),
      );
      server.maxConnections = limits.connectionsMax;
      server.maxRequestsPerSocket = limits.requestsPerConnectionMax;
      server.setTimeout(limits.idleMs);
      // A field beyond the limit would be left out silently: one more is parsed, so that it shows.
      server.maxHeadersCount = limits.fieldsMax + 1;
      server.on('clientError', refuse);
      server.once('error', reject);
      server.listen(handle, () => {
        server.removeListener('error', reject);
        // After the start an accept may fail (EMFILE): the next one is tried anyway.
        server.on('error', () => undefined);
        resolve({
          close: () =>
            new Promise((done) => {
              server.close(() => done());
              server.closeAllConnections();
            }),
        });
      });
    }),
};

/** Refuses what is no request, or came too late. */
function refuse(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const status = REFUSALS[error.code ?? ''] ?? 400;
  const reason = http.STATUS_CODES[status] ?? '';
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function serveOne(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  limits: HttpLimits,
  answer: (request: HttpRequest) => Promise<HttpResponse>,
): Promise<void> {
  const { method = '', url = '' } = request;
  // A client that goes away in the middle is nobody's fault.
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  if (request.rawHeaders.length / 2 > limits.fieldsMax) return send(response, method, plain(431));
  // RFC 9112 §3.2: more than one Host is refused.
  if ((request.headersDistinct['host'] ?? []).length > 1 || !url.startsWith('/'))
    return send(response, method, plain(400));
  const content = await contentOf(request, limits.contentBytesMax);
  if (content === undefined) return send(response, method, plain(413));
  if (content === 'gone') return;
  const fields: Record<string, string | undefined> = {};
  for (const [name, values = []] of Object.entries(request.headersDistinct))
    fields[name] = name === 'cookie' ? values.join('; ') : values[0];
  try {
    send(response, method, await answer({ method, target: url, fields, content }));
  } catch {
    // The frontier of a request: who answers tells its own faults; the asker learns that there was one.
    send(response, method, plain(500));
  }
}

function send(response: http.ServerResponse, method: string, { status, fields, content }: HttpResponse): void {
  if (response.destroyed) return;
  const octets = Buffer.from(content);
  response.writeHead(status, { ...fields, 'content-length': octets.length });
  response.end(method === 'HEAD' ? undefined : octets);
}

/** The content of a request; undefined where there is more of it than may be. */
function contentOf(request: http.IncomingMessage, most: number): Promise<Buffer | undefined | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > most) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length <= most) parts.push(part);
      else resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    request.on('close', () => resolve('gone'));
  });
}
