import * as http from 'node:http';

/** What came back. */
export interface Got {
  readonly status: number;
  readonly fields: http.IncomingHttpHeaders;
  readonly text: string;
}

/** What is asked besides the path. */
export interface Asking {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: string;
}

/** One request over a connection of its own; the place is a port of loopback or the path of a UNIX socket. */
export function request(
  place: number | string,
  path: string,
  { method = 'GET', fields = {}, content }: Asking = {},
): Promise<Got> {
  const where =
    typeof place === 'number' ? { host: '127.0.0.1', port: place } : { socketPath: place, host: 'localhost' };
  return new Promise((resolve, reject) => {
    const asked = http.request({ ...where, path, method, headers: fields, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, fields: response.headers, text }));
    });
    asked.on('error', reject);
    asked.end(content);
  });
}

/** As much of a browser as the console needs: it keeps the cookie, follows where a form leads, and fills forms in. */
export class Browser {
  readonly #place: number | string;
  #cookie = '';

  constructor(place: number | string) {
    this.#place = place;
  }

  get cookie(): string {
    return this.#cookie;
  }

  async get(path: string): Promise<Got> {
    return this.#follow(await request(this.#place, path, { fields: this.#fields() }));
  }

  /** Sends a form with these fields, and the hidden one that the page `from` carries. */
  async post(path: string, fields: Readonly<Record<string, string>>, from?: string): Promise<Got> {
    const hidden =
      from === undefined ? undefined : /name="form" value="([^"]+)"/.exec((await this.get(from)).text)?.[1];
    const content = new URLSearchParams({ ...(hidden === undefined ? {} : { form: hidden }), ...fields }).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.#follow(
      await request(this.#place, path, { method: 'POST', fields: { ...this.#fields(), ...type }, content }),
    );
  }

  async logIn(token: string): Promise<Got> {
    return this.post('/login', { token });
  }

  #fields(): Record<string, string> {
    return this.#cookie === '' ? {} : { cookie: this.#cookie };
  }

  #follow(got: Got): Promise<Got> | Got {
    for (const cookie of got.fields['set-cookie'] ?? []) this.#cookie = cookie.split(';')[0] ?? '';
    return got.status === 303 ? this.get(got.fields.location ?? '/') : got;
  }
}
