import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeSelfSigned } from '../../src/service/supervisor/certificate.ts';
import { nodeNetwork } from '../../src/world/node/network.ts';
import { SocketPeer } from '../support/socket-peer.ts';
import { parseTranscript, playTranscript } from '../support/transcript.ts';

const FOLDER = 'test/transcripts';
const { certificatePem, keyPem } = await makeSelfSigned('mx.example.test', Date.now());
const context = nodeNetwork.tlsContext(certificatePem, keyPem);

/** Transcripts that need answers which reception never gives. */
const PURE_ONLY: ReadonlyMap<string, string> = new Map([
  ['lmtp.smtp', 'one reply for all recipients of a message: they are kept together or not at all'],
]);

/** Transcripts whose pieces must arrive as one. */
const WHOLE_ONLY: ReadonlyMap<string, string> = new Map([
  [
    'starttls-injection.smtp',
    'octets in the clear that come after the server began TLS are no handshake, and end the session',
  ],
]);

for (const name of readdirSync(FOLDER)
  .filter((file) => file.endsWith('.smtp') && !PURE_ONLY.has(file))
  .sort()) {
  const transcript = parseTranscript(readFileSync(`${FOLDER}/${name}`, 'utf8'));
  for (const pieceSize of WHOLE_ONLY.has(name) ? [Infinity] : [Infinity, 7]) {
    test(`transcript ${name} over a socket, ${pieceSize} octets at a time`, { timeout: 30_000 }, async () => {
      const peer = await SocketPeer.open(transcript, context, pieceSize);
      let rest = '';
      try {
        await playTranscript(transcript, peer);
      } finally {
        rest = await peer.close();
      }
      assert.equal(rest, '', 'the server says no more than is written');
    });
  }
}
