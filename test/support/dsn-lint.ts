/** A strict reader of reports: what it finds against RFC 5322, 2045, 2046, 3464, 6522 and 6533. For tests. */

/** One body part of a report. */
export interface LintedPart {
  readonly type: string;
  readonly encoding: string;
  /** Decoded octets. */
  readonly content: Buffer;
}

/** What was read, and what is wrong with it. */
export interface LintedReport {
  readonly faults: string[];
  readonly header: ReadonlyMap<string, string>;
  readonly parts: readonly LintedPart[];
  /** The field blocks of the status part: that of the message, then one per recipient. */
  readonly status: readonly ReadonlyMap<string, string>[];
}

const ONCE = ['from', 'to', 'subject', 'date', 'message-id', 'mime-version', 'content-type', 'auto-submitted'];
const DATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}$/;

/** Reads a report and collects its faults. */
export function lintReport(content: Buffer): LintedReport {
  const faults: string[] = [];
  const latin = content.toString('latin1');
  for (const line of latin.split('\r\n')) {
    if (line.length > 998) faults.push(`line of ${line.length} octets`);
    if (/[\r\n\0]/.test(line)) faults.push(`bare CR, LF or NUL in ${JSON.stringify(line.slice(0, 60))}`);
  }
  const blank = latin.indexOf('\r\n\r\n');
  const header = fields(latin.slice(0, blank + 2), 'header', faults, true);
  for (const name of ONCE) if (!header.has(name)) faults.push(`no ${name}`);
  if (!/^Mail Delivery Subsystem <MAILER-DAEMON@[^\s<>]+>$/.test(header.get('from') ?? '')) faults.push('From');
  if (!/^<[^\s<>@]+@[^\s<>]+@?[^\s<>]*>$|^<"(\\.|[^"\\])*"@[^\s<>]+>$/.test(header.get('to') ?? ''))
    faults.push(`To ${header.get('to')}`);
  if (!DATE.test(header.get('date') ?? '')) faults.push('Date');
  if (!/^<[^\s<>@]+@[^\s<>@]+>$/.test(header.get('message-id') ?? '')) faults.push('Message-ID');
  if (header.get('auto-submitted') !== 'auto-replied') faults.push('Auto-Submitted');
  if (header.get('mime-version') !== '1.0') faults.push('MIME-Version');
  const boundary = /^multipart\/report; report-type=delivery-status; boundary="([^"]{1,70})"$/.exec(
    header.get('content-type') ?? '',
  )?.[1];
  if (boundary === undefined) return { faults: [...faults, 'Content-Type'], header, parts: [], status: [] };
  const parts = splitParts(content, blank, boundary, faults);
  if (parts.length < 2 || parts.length > 3) faults.push(`${parts.length} parts`);
  const eightBit = parts.some((p) => p.encoding === '8bit');
  if (eightBit !== (header.get('content-transfer-encoding') === '8bit'))
    faults.push('encoding of the whole and of its parts differ');
  if (!eightBit && /[^\x00-\x7f]/.test(latin.slice(blank))) faults.push('octets above 127 in a 7bit body');
  if (!parts[0]?.type.startsWith('text/plain; charset=')) faults.push(`first part ${parts[0]?.type}`);
  const status = lintStatus(parts[1], faults);
  const third = parts[2];
  if (third !== undefined && !/^(message\/(rfc822|global|global-headers)|text\/rfc822-headers)$/.test(third.type))
    faults.push(`third part ${third.type}`);
  if (third?.type === 'message/rfc822' && !/^(7bit|8bit)$/.test(third.encoding)) faults.push('encoded message/rfc822');
  return { faults, header, parts, status };
}

function fields(text: string, where: string, faults: string[], folded: boolean): Map<string, string> {
  const found = new Map<string, string>();
  const lines = text.replace(/\r\n$/, '').split('\r\n');
  let name = '';
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      if (line.trim() === '') faults.push(`${where}: a line of white space`);
      found.set(name, `${found.get(name) ?? ''}${line}`);
    } else {
      const match = /^([A-Za-z][A-Za-z0-9-]*): ?(.*)$/.exec(line);
      if (match === null) {
        faults.push(`${where}: no field ${JSON.stringify(line.slice(0, 80))}`);
        continue;
      }
      name = (match[1] ?? '').toLowerCase();
      if (found.has(name)) faults.push(`${where}: ${name} twice`);
      if (match[2]?.trim() === '') faults.push(`${where}: ${name} without a value`);
      found.set(name, match[2] ?? '');
    }
    if (folded && line.length > 78 && line.trim().split(' ').length > 2) faults.push(`${where}: not folded: ${line}`);
  }
  return found;
}

function splitParts(content: Buffer, blank: number, boundary: string, faults: string[]): LintedPart[] {
  const latin = content.toString('latin1');
  const end = latin.indexOf(`\r\n--${boundary}--\r\n`);
  if (end < 0 || end + boundary.length + 8 !== latin.length) faults.push('closing boundary');
  const pieces = latin.slice(blank + 2, end).split(`\r\n--${boundary}\r\n`);
  if (pieces.shift() !== '') faults.push('text before the first part');
  return pieces.map((piece) => {
    const at = piece.indexOf('\r\n\r\n');
    const header = fields(piece.slice(0, at + 2), 'part', faults, true);
    const type = header.get('content-type') ?? '';
    if (type === '') faults.push('a part without Content-Type');
    const encoding = header.get('content-transfer-encoding') ?? '7bit';
    const body = piece.slice(at + 4);
    if (encoding === '7bit' && /[^\x00-\x7f]/.test(body)) faults.push(`octets above 127 in 7bit ${type}`);
    return { type, encoding, content: decode(body, encoding, faults) };
  });
}

function decode(body: string, encoding: string, faults: string[]): Buffer {
  if (encoding === 'base64') return Buffer.from(body, 'base64');
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1');
  for (const line of body.split('\r\n')) {
    if (line.length > 76 || /[ \t]$/.test(line) || /=(?![0-9A-F]{2}|$)/.test(line) || /[^\t\x20-\x7e]/.test(line))
      faults.push(`quoted-printable ${line}`);
  }
  return Buffer.from(
    body
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

function lintStatus(part: LintedPart | undefined, faults: string[]): ReadonlyMap<string, string>[] {
  if (part === undefined || !/^message\/(global-)?delivery-status$/.test(part.type)) {
    faults.push(`second part ${part?.type}`);
    return [];
  }
  const [message, ...recipients] = part.content
    .toString('utf8')
    .split('\r\n\r\n')
    .map((block) => fields(block, 'status', faults, true));
  if (message === undefined || recipients.length === 0) faults.push('status without a recipient');
  if (!/^dns; \S+$/.test(message?.get('reporting-mta') ?? '')) faults.push('Reporting-MTA');
  if (!DATE.test(message?.get('arrival-date') ?? '')) faults.push('Arrival-Date');
  for (const r of recipients) lintRecipient(r, part.type.includes('global'), faults);
  return message === undefined ? recipients : [message, ...recipients];
}

function lintRecipient(r: ReadonlyMap<string, string>, global: boolean, faults: string[]): void {
  const address = global ? /^(rfc822|utf-8); ?\S.*$/ : /^[A-Za-z0-9-]+; ?[\x21-\x7e][\x20-\x7e]*$/;
  if (!address.test(r.get('final-recipient') ?? '')) faults.push(`Final-Recipient ${r.get('final-recipient')}`);
  const original = r.get('original-recipient');
  if (original !== undefined && !/^[A-Za-z0-9-]+;\S/.test(original)) faults.push(`Original-Recipient ${original}`);
  const action = r.get('action') ?? '';
  if (!/^(failed|delayed|delivered|relayed|expanded)$/.test(action)) faults.push(`Action ${action}`);
  const status = r.get('status') ?? '';
  if (!/^[245]\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.test(status)) faults.push(`Status ${status}`);
  const classes: Readonly<Record<string, string>> = { failed: '45', delayed: '4' };
  if (!(classes[action] ?? '2').includes(status[0] ?? '-')) faults.push(`Status ${status} for ${action}`);
  const diagnostic = r.get('diagnostic-code');
  if (diagnostic !== undefined && !/^(smtp|x-ims); [2-5]\d\d /.test(`${diagnostic} `))
    faults.push(`Diagnostic-Code ${diagnostic}`);
  if (diagnostic?.startsWith('smtp') === true && !/^(?:dns|x-unix-socket); \S+$/.test(r.get('remote-mta') ?? ''))
    faults.push('Remote-MTA');
  for (const name of ['last-attempt-date', 'will-retry-until'])
    if (r.has(name) && !DATE.test(r.get(name) ?? '')) faults.push(name);
  if (r.has('will-retry-until') && action !== 'delayed') faults.push('Will-Retry-Until outside a delay');
}
