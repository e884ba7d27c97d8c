import type { SignatureSpan } from '../../../protocol/dns/signatures.ts';
import { defineCheck } from '../check.ts';
import { askSignatures } from '../facts/name-server.ts';
import { isForTrying } from '../facts/usage.ts';
import { signaturesMs, signatureSlackMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy } from '../verdict.ts';

/** Zones that are signed anew all the time; one alone may be served from an old copy. */
const ZONES = ['', 'com', 'org'];
const zoneName = (zone: string): string => (zone === '' ? 'the root' : `.${zone}`);

const show = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;

/** A length of time as people say it. */
function about(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours < 2) return `${Math.round(hours * 60)} min`;
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} days`;
}

/** The time of others: what signs the zones of the Internet has the right one. */
export const clockFitsSignatures = defineCheck({
  id: 'host.clock-signatures',
  number: 620,
  title: 'The clock fits the signatures of the name service',
  why: 'The root and the large domains sign their records for some days from now (DNSSEC): a clock before or after all of that is wrong, and makes good certificates look expired.',
  needs: ['settings', 'nameServers', 'network', 'clock', 'random'],
  after: ['host.clock'],
  cost: 'network',
  async look({ settings, nameServers: { servers }, ...world }) {
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const answers = await Promise.all(
      servers.flatMap((server) => ZONES.map((zone) => askSignatures(world, server, zone, signaturesMs))),
    );
    const now = world.clock.wall();
    const spans = new Map<string, SignatureSpan>();
    for (const span of answers.flatMap((one) => one ?? [])) {
      // The newest of each signer: a cache may have kept an older one.
      if (ZONES.includes(span.signer) && span.fromS > (spans.get(span.signer)?.fromS ?? 0))
        spans.set(span.signer, span);
    }
    if (spans.size === 0) return notApplicable('no name server gives signatures of the root or of .com and .org');
    const all = [...spans.values()];
    const evidence = [
      row('time of this host', 'within these', show(now)),
      ...all.map(({ signer, fromS, toS }) =>
        row(`signature of ${zoneName(signer)}`, 'holds now', `from ${show(fromS * 1000)} to ${show(toS * 1000)}`),
      ),
    ];
    const cure = { cure: 'timedatectl set-ntp true (or: chronyc makestep), then look with: date -u', event: 3351 };
    const signers = all.map(({ signer }) => zoneName(signer)).join(', ');
    const latestFrom = Math.max(...all.map(({ fromS }) => fromS)) * 1000;
    // One signer alone may be a zone of a private network that nobody signs any more; nobody signs ahead of the time.
    if (spans.size > 1 && now < latestFrom - signatureSlackMs)
      return unhealthy(
        `The clock is behind by ${about(latestFrom - now)} or more: it says ${show(now)}, and what ${signers} signed in the name service holds only from ${show(latestFrom)}.`,
        cure,
        evidence,
      );
    if (spans.size > 1 && all.every(({ toS }) => now > toS * 1000 + signatureSlackMs))
      return unhealthy(
        `The clock is ahead by ${about(now - latestFrom)}, about: it says ${show(now)}, and what ${signers} signed in the name service last, at ${show(latestFrom)}, has expired.`,
        cure,
        evidence,
      );
    return healthy(evidence);
  },
});
