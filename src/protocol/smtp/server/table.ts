import type { Command } from './command.ts';
import { auth } from './verbs/auth.ts';
import { bdat } from './verbs/bdat.ts';
import { data } from './verbs/data.ts';
import { etrn } from './verbs/etrn.ts';
import { ehlo, helo, lhlo } from './verbs/hello.ts';
import { help } from './verbs/help.ts';
import { mail } from './verbs/mail.ts';
import { noop } from './verbs/noop.ts';
import { expn, saml, send, soml, turn } from './verbs/not-offered.ts';
import { quit } from './verbs/quit.ts';
import { rcpt } from './verbs/rcpt.ts';
import { rset } from './verbs/rset.ts';
import { starttls } from './verbs/starttls.ts';
import { vrfy } from './verbs/vrfy.ts';
import { xclient } from './verbs/xclient.ts';
import { xforward } from './verbs/xforward.ts';

const rows = [
  helo,
  ehlo,
  lhlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  help,
  vrfy,
  expn,
  turn,
  send,
  soml,
  saml,
  etrn,
  auth,
  starttls,
  xclient,
  xforward,
];

/** The commands by verb in capitals. */
export const commandTable: ReadonlyMap<string, Command> = new Map(rows.map((row) => [row.verb, row]));

/** First words of HTTP: a browser, or a form that was made to speak to this port. */
export const httpVerbs: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'HOST:',
  'USER-AGENT:',
]);
