import type { ServiceStatus } from '../../actions/context.ts';
import { errnoOf } from '../../../events/fault.ts';
import type { Settings } from '../../../settings/index.ts';
import { defineCheck } from '../check.ts';
import { Dialogue } from '../facts/dialogue.ts';
import { serviceIdentity, supervisorOf } from '../facts/service-identity.ts';
import { trustStore } from '../facts/trust-store.ts';
import { showPlace } from '../facts/usage.ts';
import { closedAbove, may, showMode } from '../facts/users.ts';
import { bannerMs, dialMs, sampleMax } from '../limits.ts';
import type { Parts } from '../check.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

/** Where the certificates of others must be valid. */
function verifies({ routing }: Settings): readonly string[] {
  return [
    ...(routing.tls === 'verified' ? ['routing.tls: verified'] : []),
    ...Object.entries(routing.smartHosts)
      .filter(([, { tls }]) => tls === 'verified' || tls === 'implicit')
      .map(([name, { tls }]) => `routing.smartHosts.${name}.tls: ${tls}`),
    ...Object.entries(routing.proxies)
      .filter(([, { tls }]) => tls === 'verified')
      .map(([name]) => `routing.proxies.${name}.tls: verified`),
  ];
}

/** Without roots nothing can be verified. */
export const trustStoreThere = defineCheck({
  id: 'tls.trust-store',
  number: 706,
  title: 'The trust store of this host is there',
  why: 'Certificates of other servers are verified by those of authorities. The service has the list that Node brings (NODE_EXTRA_CA_CERTS adds authorities of your own); other programs of this host have the trust store only.',
  needs: ['settings', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host }) {
    const store = await trustStore(host);
    const users = verifies(settings);
    const evidence = [
      ...store.looked.map(({ path, seen }) => row(path, 'certificates of authorities', seen)),
      ...users.map((key) => row(key, 'can verify', 'by the list of Node')),
    ];
    if (store.path !== undefined) return healthy(evidence);
    const unreadable = store.looked.find(({ seen }) => seen !== 'not there');
    if (users.length === 0 && unreadable === undefined)
      return notApplicable(
        'this host has no trust store (package ca-certificates), and nothing here verifies certificates',
      );
    return unhealthy(
      `The trust store of this host is ${unreadable === undefined ? 'missing' : `of no use (${unreadable.path}: ${unreadable.seen})`}: programs of this host cannot verify any certificate. This service verifies by the list of authorities that Node brings${users.length === 0 ? '' : ` (${users[0]})`}; where that fails, the certificate of the other server need not be at fault.`,
      {
        cure: 'apt-get install --reinstall ca-certificates && update-ca-certificates --fresh (or: dnf reinstall ca-certificates), then restart the service',
      },
      evidence,
    );
  },
});

/** Whoever loads the key must be able to. */
export const keyReadable = defineCheck({
  id: 'tls.key-readable',
  number: 707,
  title: 'The service may read its certificate and key',
  why: 'A service that is started as root reads them first; a reload, and a start by another user, need the permission.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service }) {
    const { certificate, key } = settings.tls;
    if (certificate === undefined || key === undefined) return notApplicable('the service makes its own certificate');
    const supervisor = await supervisorOf({ host, service });
    const status = supervisor === undefined ? undefined : await host.text(`/proc/${supervisor}/status`);
    // Where no process of it can be seen: server.user is for services that are started as root.
    const startsAsRoot =
      status?.ok === true
        ? /^Uid:\s+\d+\s+0\b/m.test(status.value)
        : host.self.uid === 0 || settings.server.user !== undefined;
    const who = await serviceIdentity({ settings, host, service });
    if (who === undefined) return unknown('it cannot be seen which user the service works as');
    const evidence = [
      row(
        'who loads them',
        'root, or a user who may read them',
        startsAsRoot ? `root, then ${who.words} works` : who.words,
      ),
    ];
    for (const path of [certificate, key]) {
      const closed = await closedAbove(host, who, path);
      const file = await host.file(path);
      const denied =
        closed !== undefined
          ? `directory ${closed} is closed to it`
          : file.ok && !may(who, 4, file.value)
            ? `uid ${file.value.uid}, mode ${showMode(file.value.mode)}`
            : undefined;
      evidence.push(row(path, `${who.words} may read it`, denied ?? (file.ok ? 'may' : file.errno)));
      if (denied === undefined) continue;
      const needed = [
        ...(closed === undefined ? [] : [`setfacl -m u:${who.uid}:x ${closed}`]),
        `setfacl -m u:${who.uid}:r ${path}`,
      ].join(' && ');
      // Root has read it already, and reads it again at a reload.
      if (startsAsRoot) continue;
      return unhealthy(
        `${who.words} may not read ${path} (permission denied: ${denied}): the service runs without this certificate.`,
        {
          cure: `${needed}, or start the service as root with server.user; never open a key to everybody`,
          event: 3750,
        },
        evidence,
      );
    }
    return healthy(evidence);
  },
});

type Listening = Pick<ServiceStatus['listeners'][number], 'name' | 'profile' | 'address' | 'port' | 'tls'>;

async function handshake(
  { network, clock, settings }: Pick<Parts, 'network' | 'clock' | 'settings'>,
  one: Listening,
): Promise<string> {
  const address = one.address === '0.0.0.0' ? '127.0.0.1' : one.address === '::' ? '::1' : one.address;
  const { name } = settings.server;
  try {
    const stream = await network.dial({ address, port: one.port, timeoutMs: dialMs });
    try {
      if (one.tls !== 'implicit') {
        const dialogue = new Dialogue(stream, clock, bannerMs);
        const banner = await dialogue.reply();
        if (typeof banner === 'string' || banner.code !== 220) return 'not tried: it greets with no 220';
        const hello = await dialogue.ask(`${one.profile === 'lmtp' ? 'LHLO' : 'EHLO'} ${name}`);
        const offered = typeof hello !== 'string' && hello.lines.some((line) => /^250[ -]STARTTLS/i.test(line));
        if (!offered) return 'STARTTLS is not offered';
        const ready = await dialogue.ask('STARTTLS');
        if (typeof ready === 'string' || ready.code !== 220)
          return `STARTTLS is refused: ${typeof ready === 'string' ? ready : ready.lines[0]}`;
      }
      const facts = await stream.startTlsClient({ serverName: name, timeoutMs: bannerMs });
      return `ok: ${facts.version}, ${facts.cipher}`;
    } finally {
      stream.destroy();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ECONNREFUSED' || code === 'ETIMEDOUT') return `not tried: ${code}`;
    return `the handshake failed: ${error instanceof Error ? error.message : code}`;
  }
}

/** What is configured must also work. */
export const listenersShakeHands = defineCheck({
  id: 'tls.handshake',
  number: 708,
  title: 'Each listener with TLS completes a handshake',
  why: 'A certificate that looks well in its file may not be the one in use, or may fit no cipher.',
  needs: ['settings', 'network', 'clock', 'service'],
  after: ['service.answers', 'tls.certificate-and-key', 'host.no-interposer'],
  cost: 'network',
  deadlineMs: 6000,
  async look({ settings, network, clock, service }) {
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
    const seen = await Promise.all(asked.map((one) => handshake({ network, clock, settings }, one)));
    const evidence = asked.map((one, index) =>
      row(`TLS of ${one.name} at ${showPlace(one.address, one.port)}`, 'a handshake', seen[index] ?? ''),
    );
    const bad = seen.findIndex((text) => !text.startsWith('ok') && !text.startsWith('not tried'));
    const first = asked[bad];
    if (first === undefined) return healthy(evidence);
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
