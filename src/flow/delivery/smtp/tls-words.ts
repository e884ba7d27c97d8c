/** What OpenSSL says of a handshake that failed, and what it means; the first that fits. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /wrong version number|packet length too long|unknown protocol|http request/i,
    'what they send after STARTTLS is no TLS',
  ],
  [/unsupported protocol|protocol version|no protocols available/i, 'they know only versions of TLS that are too old'],
  [/no shared cipher|handshake failure|insufficient security/i, 'no method of encryption is common to both sides'],
  [/(?:dh|ee|ca) key too small/i, 'their key is too short'],
  [/disconnected before secure|ECONNRESET|EPIPE|unexpected eof/i, 'they ended the connection in the TLS handshake'],
];

/** 'thread:error:number:library:function:reason:file:line:data', as OpenSSL writes it. */
const OPENSSL = /error:[0-9a-f]+:[^:]*:[^:]*:([^:]+):/i;

/** Why a TLS handshake failed, as people say it; the reason that the library gave stands behind it. */
export function handshakeInWords(message: string): string {
  const reason = (OPENSSL.exec(message)?.[1] ?? message).trim();
  const meaning = MEANINGS.find(([words]) => words.test(message))?.[1];
  return meaning === undefined ? reason : `${meaning} (${reason})`;
}
