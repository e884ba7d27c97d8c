import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PurePeer } from '../support/pure-peer.ts';
import { parseTranscript, playTranscript } from '../support/transcript.ts';

const FOLDER = 'test/transcripts';

for (const name of readdirSync(FOLDER)
  .filter((file) => file.endsWith('.smtp'))
  .sort()) {
  const transcript = parseTranscript(readFileSync(`${FOLDER}/${name}`, 'utf8'));
  for (const pieceSize of [Infinity, 1, 7]) {
    test(`transcript ${name}, ${pieceSize} octets at a time`, async () => {
      const peer = new PurePeer(transcript, pieceSize);
      await playTranscript(transcript, peer);
      assert.equal(peer.line(), undefined, 'the server says no more than is written');
    });
  }
}
