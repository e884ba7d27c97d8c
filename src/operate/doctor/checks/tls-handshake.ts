import { X509Certificate } from 'node:crypto';
import { errnoOf } from '../../../events/fault.ts';
import type { ByteStream } from '../../../world/ports/network.ts';
import type { ServiceStatus } from '../../actions/context.ts';
import { defineCheck, type Parts } from '../check.ts';
import { Dialogue } from '../facts/dialogue.ts';
import { certificatePath, ownChain } from '../facts/own-certificate.ts';
import { showPlace } from '../facts/usage.ts';
import { bannerMs, certificateGraceMs, dialMs, sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

const DAY = 86_400_000;

type Listening = Pick<ServiceStatus['listeners'][number], 'name' | 'profile' | 'address' | 'port' | 'tls'>;

/** What became of a handshake, and the certificate that was shown in it. */
interface Shaken {
  readonly seen: string;
  readonly certificate?: X509Certificate | undefined;
}

async function handshake(
  { network, clock, settings }: Pick<Parts, 'network' | 'clock' | 'settings'>,
  one: Listening,
): Promise<Shaken> {
  const address = one.address === '0.0.0.0' ? '127.0.0.1' : one.address === '::' ? '::1' : one.address;
  const { name } = settings.server;
  let stream: ByteStream;
  try {
    stream = await network.dial({ address, port: one.port, timeoutMs: dialMs });
  } catch (error) {
    // Whether it can be reached is for another check.
    return { seen: `not tried: ${errnoOf(error)}` };
  }
  try {
    try {
      if (one.tls !== 'implicit') {
        const dialogue = new Dialogue(stream, clock, bannerMs);
        const banner = await dialogue.reply();
        if (typeof banner === 'string' || banner.code !== 220) return { seen: 'not tried: it greets with no 220' };
        const hello = await dialogue.ask(`${one.profile === 'lmtp' ? 'LHLO' : 'EHLO'} ${name}`);
        const offered = typeof hello !== 'string' && hello.lines.some((line) => /^250[ -]STARTTLS/i.test(line));
        if (!offered) return { seen: 'STARTTLS is not offered' };
        const ready = await dialogue.ask('STARTTLS');
        if (typeof ready === 'string' || ready.code !== 220)
          return { seen: `STARTTLS is refused: ${typeof ready === 'string' ? ready : ready.lines[0]}` };
      }
      const facts = await stream.startTlsClient({ serverName: name, timeoutMs: bannerMs, showCertificate: true });
      const shown = facts.certificate;
      return {
        seen: `ok: ${facts.version}, ${facts.cipher}`,
        certificate: shown === undefined ? undefined : new X509Certificate(shown),
      };
    } finally {
      stream.destroy();
    }
  } catch (error) {
    return { seen: `the handshake failed: ${error instanceof Error ? error.message : errnoOf(error)}` };
  }
}

const shortHash = ({ fingerprint256 }: X509Certificate): string => fingerprint256.slice(0, 23);

/** A certificate that was renewed on disk, and not yet loaded; undefined where the listeners show the one of the file. */
async function notLoaded(
  { settings, disk, clock }: Pick<Parts, 'settings' | 'disk' | 'clock'>,
  shown: readonly (readonly [Listening, X509Certificate])[],
  evidence: Evidence[],
): Promise<Verdict | undefined> {
  const own = await ownChain({ settings, disk });
  const [leaf] = typeof own === 'string' ? [] : own;
  for (const [{ name }, certificate] of shown)
    evidence.push(
      row(
        `certificate that ${name} shows`,
        leaf === undefined ? `one of ${settings.server.name}` : `that of the file, ${shortHash(leaf)}...`,
        `${shortHash(certificate)}..., valid to ${certificate.validTo}`,
      ),
    );
  if (leaf === undefined) return undefined;
  const other = shown.find(([, certificate]) => certificate.fingerprint256 !== leaf.fingerprint256);
  if (other === undefined) return undefined;
  const path = certificatePath(settings);
  const changed = (await disk.entry(path))?.modifiedMs;
  // Whoever renewed it may be about to tell us.
  if (changed !== undefined && Math.abs(clock.wall() - changed) < certificateGraceMs) return undefined;
  const days = Math.floor((Date.parse(other[1].validTo) - clock.wall()) / DAY);
  const ends = days < 0 ? `ended on ${other[1].validTo}` : `ends on ${other[1].validTo}`;
  return unhealthy(
    `Listener ${other[0].name} still shows the certificate that was loaded before (it ${ends}): ${path} holds another one (to ${leaf.validTo}), which has not been loaded.`,
    { cure: 'ims reload (and let what renews the certificate do that each time: certbot --deploy-hook "ims reload")' },
    evidence,
  );
}

/** What is configured must also work. */
export const listenersShakeHands = defineCheck({
  id: 'tls.handshake',
  number: 708,
  title: 'Each listener with TLS completes a handshake',
  why: 'A certificate that looks well in its file may not be the one in use, or may fit no cipher.',
  needs: ['settings', 'network', 'clock', 'service', 'disk'],
  after: ['service.answers', 'tls.certificate-and-key', 'host.no-interposer'],
  cost: 'network',
  deadlineMs: 6000,
  async look({ settings, network, clock, service, disk }) {
    const answer = await service.ask();
    if (answer.kind !== 'running') return unknown('the service does not answer');
    const asked = answer.status.listeners
      .filter(({ state, tls, name, address }) => {
        const own = settings.listeners[name];
        return (
          state === 'listening' &&
          tls !== 'none' &&
          !address.startsWith('/') &&
          own !== undefined &&
          own.proxyProtocol === undefined
        );
      })
      .slice(0, sampleMax);
    if (asked.length === 0) return notApplicable('no listener with TLS is bound that could be asked');
    const shaken = await Promise.all(asked.map((one) => handshake({ network, clock, settings }, one)));
    const seen = shaken.map((one) => one.seen);
    const evidence = asked.map((one, index) =>
      row(`TLS of ${one.name} at ${showPlace(one.address, one.port)}`, 'a handshake', seen[index] ?? ''),
    );
    const bad = seen.findIndex((text) => !text.startsWith('ok') && !text.startsWith('not tried'));
    const first = asked[bad];
    if (first === undefined) {
      const shown = asked.flatMap((one, index) => {
        const certificate = shaken[index]?.certificate;
        return certificate === undefined ? [] : [[one, certificate] as const];
      });
      return (await notLoaded({ settings, disk, clock }, shown, evidence)) ?? healthy(evidence);
    }
    const startTls = first.tls === 'implicit' ? '' : `-starttls ${first.profile === 'lmtp' ? 'lmtp' : 'smtp'} `;
    return unhealthy(
      `Listener ${first.name} at ${showPlace(first.address, first.port)} does not come to TLS: ${seen[bad]}.`,
      {
        cure: `ims doctor --only tls looks at the files; openssl s_client ${startTls}-connect ${showPlace(first.address, first.port)}; then: ims reload`,
        event: 3750,
      },
      evidence,
    );
  },
});
