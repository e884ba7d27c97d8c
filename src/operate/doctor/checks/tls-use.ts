import type { Settings } from '../../../settings/index.ts';
import { defineCheck } from '../check.ts';
import { serviceIdentity, supervisorOf } from '../facts/service-identity.ts';
import { trustStore } from '../facts/trust-store.ts';
import { closedAbove, mayAlso, showMode } from '../facts/users.ts';
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

/** What tells that the package was here once: minimal images do without. */
const STORE_SIGNS = [
  '/etc/ca-certificates.conf',
  '/usr/share/ca-certificates',
  '/etc/pki/ca-trust',
  '/var/lib/dpkg/info/ca-certificates.list',
  '/etc/ssl/certs',
];

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
    const brought = (await Promise.all(STORE_SIGNS.map((path) => host.file(path)))).some(({ ok }) => ok);
    if (unreadable === undefined && (users.length === 0 || !brought))
      return notApplicable(
        `this host has no trust store (package ca-certificates), and ${users.length === 0 ? 'nothing here verifies certificates' : 'this service verifies by the list that Node brings'}`,
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
          : file.ok && !(await mayAlso(host, who, 4, path, file.value))
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
