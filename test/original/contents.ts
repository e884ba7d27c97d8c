/** Contents with which transport has no business, by the original case that each is of: they must pass octet for octet. */

const part = (type: string, body: string): string => `--b\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
const multipart = (kind: string, ...parts: string[]): string =>
  `From: a@remote.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/${kind}; boundary=b\r\n\r\n${parts.join('')}--b--\r\n`;
const resent = (who: string): string =>
  `Resent-From: ${who}@x.test\r\nResent-To: y@z.test\r\nResent-Date: Mon, 1 Jan 2001 00:00:00 +0000\r\n`;
const folded = (names: readonly string[]): string => names.join(',\r\n ');

/** Up to a megabyte or two each. */
export const contents: Readonly<Record<string, string | Buffer>> = {
  Q140932: `${resent('third')}${resent('second')}${resent('first')}From: a@b\r\n\r\nx\r\n`,
  Q142436: `${Array.from({ length: 500 }, (_, n) => `X-Unknown-${n}: ${n}\r\nComments: twice\r\n`).join('')}X-Long: ${' \r\n y'.repeat(13_000)}\r\n\r\nx\r\n`,
  Q146473: `${['x-unknown', 'iso-2022-jp', 'euc-kr', 'utf-7'].map((set) => part(`text/plain; charset=${set}`, '\x1b$B%F%9%H\x1b(B +AGE-')).join('')}--b--\r\n`,
  Q146598: multipart(
    'mixed',
    ...['', '', '.profile', '../../x', 'CON', 'n'.repeat(900)].map((name) => part(`text/plain; name="${name}"`, 'x')),
  ),
  Q149780: `Content-Type: text/plain; format=flowed\r\n\r\n${'word '.repeat(180)}\r\n> > quoted \r\n${'long'.repeat(2000)}\r\n`,
  Q152166: multipart(
    'mixed',
    part('application/x; name="Excel 4.0 Test.a.b"', 'x'),
    part("text/plain; name*=utf-8''a%20b.c.d", 'y'),
    part('text/plain; name="=?utf-8?q?a=2Eb?="', 'z'),
  ),
  Q152432: 'To: (a) user (b) @ (c) x.test (d)\r\nFrom: "q\\"(x" <a@b>(c(d)e)\r\n\r\nx\r\n',
  Q153464: multipart('mixed', part('text/plain', 'one'), part('text/plain', 'two')),
  Q157705: multipart(
    'digest',
    part('message/rfc822', 'Content-Type: text/plain; charset=koi8-r\r\n\r\nx'),
    '--b\r\n\r\nSubject: y\r\n\r\nz\r\n',
  ),
  Q159175: multipart(
    'appledouble',
    part('application/applefile', 'AAUWBwACAAA='),
    part('application/mac-binhex40', '(This file must be converted with BinHex 4.0)\r\n:#8aPG'),
  ),
  Q161887: `${'Content-Type: message/rfc822\r\n\r\n'.repeat(10_000)}Subject: deep\r\n\r\nx\r\n`,
  Q168139: multipart(
    'mixed',
    '--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'.repeat(2000),
    part('application/ms-tnef; =;;', 'eJ8+'),
  ),
  Q175236:
    'Content-Type: multipart/mixed;\r\n\tboundary="a"\r\nReceived: from a\r\n   by b;\r\n\tMon, 1 Jan 2001 00:00:00 +0000\r\n\r\n--a--\r\n',
  Q175841: 'From: a@b\r\nSubject: no empty line\r\nX-Last: kept\r\n',
  Q180414: `To: ${folded(Array.from({ length: 1000 }, (_, n) => `"Recipient number ${n}" <recipient.${n}@somewhere.test>`))}\r\n\r\nx\r\n`,
  Q182040: 'Date: mon, 1 jan 00 1:2 est\r\nDate: Mon, 01 Jan 99 00:00:00 +HH\r\n\r\nx\r\n',
  Q182307:
    'Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Disposition: attachment\r\n\r\na=3Db=\r\nc=20\r\n',
  Q190556: 'Content-Transfer-Encoding: base64\r\n\r\n!!!=A=B===\r\n\x01\r\nQUJ\r\n',
  Q195215: Buffer.from('Subject: \xe9\xff\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\x80\xfe\r\n', 'latin1'),
  Q198563: 'From: <user@a.test>@b.test\r\n\r\nx\r\n',
  Q199192: `Subject: per-domain format\r\nContent-Type: text/html\r\nMIME-Version: 1.0\r\n\r\n<p>${'h'.repeat(76)}=\r\n\t</p> \r\n\r\n`,
  Q217155: `Content-Type: multipart/mixed\r\n\r\n${'prolog without end\r\n'.repeat(50_000)}`,
  Q221384: 'Subject: dots\r\n\r\n.\r\nQUIT\r\n..\r\n.x\r\nMAIL FROM:<>\r\n',
  Q235219: `Subject: empty lines\r\n\r\n${'\r\n'.repeat(10_000)}end\r\n`,
  Q278320: 'Content-Type: text/plain; charset=""\r\n\r\nx\r\n',
  Q288240: `Subject: ${'long'.repeat(300)}\r\n\r\n${'y'.repeat(5000)}\r\n`,
  Q301690: Buffer.from(
    `\x01\x02\xff\xfe no colon\r\n: nothing\r\n\ttab\r\n${'z'.repeat(900)}\r\nSubject x\r\n\r\nbody\r\n`,
    'latin1',
  ),
};
