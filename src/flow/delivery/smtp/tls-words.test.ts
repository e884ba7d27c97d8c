import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handshakeInWords } from './tls-words.ts';

test('what OpenSSL says of a handshake becomes a sentence, without thread, file and line', () => {
  assert.equal(
    handshakeInWords(
      '801C090DCE7F0000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/openssl/ssl/record/ssl3_record.c:350:\n',
    ),
    'what they send after STARTTLS is no TLS (wrong version number)',
  );
  assert.equal(
    handshakeInWords(
      'C0:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:rec.c:1605:SSL alert 40\n',
    ),
    'no method of encryption is common to both sides (sslv3 alert handshake failure)',
  );
  assert.match(
    handshakeInWords('read ECONNRESET'),
    /^they ended the connection in the TLS handshake \(read ECONNRESET\)$/,
  );
});

test('what has no meaning here is passed on as it is', () => {
  assert.equal(handshakeInWords('no end of the handshake in 8 s'), 'no end of the handshake in 8 s');
});
