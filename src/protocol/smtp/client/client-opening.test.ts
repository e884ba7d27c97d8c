import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showEffects as show } from '../../../../test/support/client-effects.ts';
import { SmtpClient } from './client.ts';
import type { ClientOptions } from './port.ts';

const OPTIONS: ClientOptions = {
  protocol: 'smtp',
  greetingName: 'me.test',
  tls: 'never',
  clearLogin: false,
  helo: false,
};

const OPENINGS: readonly (readonly [string, Partial<ClientOptions>, readonly string[], readonly string[]])[] = [
  ['4xx greeting', {}, ['421 busy'], ['failed refused']],
  ['5xx greeting', {}, ['554 no'], ['failed refused']],
  ['a peer that is not SMTP', {}, ['SSH-2.0-OpenSSH'], ['failed invalid']],
  ['4xx to EHLO', {}, ['220 hi', '451 later'], ['> EHLO me.test|', 'failed refused']],
  ['5xx to EHLO', {}, ['220 hi', '502 what', '250 hi'], ['> EHLO me.test|', '> HELO me.test|', 'ready']],
  ['5xx to HELO', {}, ['220 hi', '502 what', '550 no'], ['> EHLO me.test|', '> HELO me.test|', 'failed refused']],
  ['5xx to LHLO', { protocol: 'lmtp' }, ['220 hi', '502 what'], ['> LHLO me.test|', 'failed refused']],
  ['HELO from the beginning', { helo: true }, ['220 hi', '250 hi'], ['> HELO me.test|', 'ready']],
  ['hung up on EHLO', {}, ['220 hi', 'closed'], ['> EHLO me.test|', 'failed closed']],
  ['late greeting', {}, ['late'], ['failed timed-out']],
  ['STARTTLS not offered, offered is enough', { tls: 'offered' }, ['220 hi', '250 hi'], ['> EHLO me.test|', 'ready']],
  [
    'STARTTLS not offered, needed',
    { tls: 'needed' },
    ['220 hi', '250 hi'],
    ['> EHLO me.test|', 'failed starttls-missing'],
  ],
  [
    'STARTTLS 4xx',
    { tls: 'offered' },
    ['220 hi', '250-hi\r\n250 STARTTLS', '454 no'],
    ['> EHLO me.test|', '> STARTTLS|', 'failed starttls-refused'],
  ],
  [
    'STARTTLS 421',
    { tls: 'offered' },
    ['220 hi', '250-hi\r\n250 STARTTLS', '421 no'],
    ['> EHLO me.test|', '> STARTTLS|', 'failed refused'],
  ],
  [
    'STARTTLS 220',
    { tls: 'needed' },
    ['220 hi', '250-hi\r\n250 STARTTLS', '220 go', 'tls', '250 hi'],
    ['> EHLO me.test|', '> STARTTLS|', 'start-tls', '> EHLO me.test|', 'ready'],
  ],
  [
    'words before TLS are forgotten',
    { tls: 'needed' },
    ['220 hi', '250-hi\r\n250 STARTTLS', '220 go\r\n250-evil\r\n250 AUTH PLAIN', '250 evil', 'tls', '250 hi'],
    ['> EHLO me.test|', '> STARTTLS|', 'start-tls', '> EHLO me.test|', 'ready'],
  ],
  [
    'AUTH PLAIN',
    { tls: 'established', login: { user: 'u', password: 'p' } },
    ['220 hi', '250-hi\r\n250 AUTH LOGIN PLAIN', '235 ok'],
    ['> EHLO me.test|', '> AUTH PLAIN AHUAcA==|', 'ready'],
  ],
  [
    'AUTH LOGIN',
    { clearLogin: true, login: { user: 'u', password: 'p' } },
    ['220 hi', '250-hi\r\n250 AUTH LOGIN', '334 VXNlcm5hbWU6', '334 UGFzc3dvcmQ6', '235 ok'],
    ['> EHLO me.test|', '> AUTH LOGIN|', '> dQ==|', '> cA==|', 'ready'],
  ],
  [
    'AUTH refused',
    { tls: 'established', login: { user: 'u', password: 'p' } },
    ['220 hi', '250-hi\r\n250 AUTH PLAIN', '535 no'],
    ['> EHLO me.test|', '> AUTH PLAIN AHUAcA==|', 'failed refused'],
  ],
  [
    'AUTH that asks on and on',
    { tls: 'established', login: { user: 'u', password: 'p' } },
    ['220 hi', '250-hi\r\n250 AUTH PLAIN', '334 x'],
    ['> EHLO me.test|', '> AUTH PLAIN AHUAcA==|', 'failed refused'],
  ],
  [
    'a password is not sent in the clear',
    { tls: 'offered', login: { user: 'u', password: 'p' } },
    ['220 hi', '250-hi\r\n250 AUTH PLAIN'],
    ['> EHLO me.test|', 'failed auth-missing'],
  ],
  [
    'no mechanism of ours',
    { tls: 'established', login: { user: 'u', password: 'p' } },
    ['220 hi', '250-hi\r\n250 AUTH GSSAPI'],
    ['> EHLO me.test|', 'failed auth-missing'],
  ],
  ['421 while idle', {}, ['220 hi', '250 hi', '421 bye'], ['> EHLO me.test|', 'ready', 'failed refused']],
];

for (const [what, options, inputs, effects] of OPENINGS) {
  test(`opening: ${what}`, () => {
    const client = new SmtpClient({ ...OPTIONS, ...options });
    const seen: string[] = [];
    for (const input of inputs) {
      const step =
        input === 'closed'
          ? client.closed()
          : input === 'late'
            ? client.timedOut()
            : input === 'tls'
              ? client.tlsStarted()
              : client.receive(Buffer.from(`${input}\r\n`));
      seen.push(...show(step));
    }
    assert.deepEqual(seen, effects);
  });
}
