import { defineCheck } from '../check.ts';
import { socketFault } from '../facts/socket-way.ts';
import { healthy, notApplicable, row, unhealthy } from '../verdict.ts';

/** A store on this host is mostly reached by a socket that it makes itself, for the users that it is told. */
export const storeSockets = defineCheck({
  id: 'ways.sockets',
  number: 809,
  title: 'The service may use the sockets of mail stores',
  why: 'A UNIX socket has an owner and a mode like a file. Root may use every one, so that mail which waits for it looks well by hand.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads', 'host.service-user'],
  cost: 'host',
  async look({ settings, host, service }) {
    const all = Object.entries(settings.routing.smartHosts).flatMap(([name, { hosts }]) =>
      hosts.filter((one) => one.host.startsWith('/')).map((one) => ({ name, path: one.host })),
    );
    if (all.length === 0) return notApplicable('no mail store is reached by a UNIX socket');
    const faults = await Promise.all(all.map(({ path }) => socketFault(path, { settings, host, service })));
    const evidence = all.map(({ name, path }, at) =>
      row(`${path} of routing.smartHosts.${name}`, 'a socket that the service may use', faults[at] ?? 'one'),
    );
    const bad = faults.findIndex((fault) => fault !== undefined);
    const first = all[bad];
    if (first === undefined) return healthy(evidence);
    return unhealthy(
      `The socket ${first.path} of routing.smartHosts.${first.name} ${faults[bad]}. Mail to it waits.`,
      {
        cure: `Let the store make it there for the service (Dovecot: unix_listener in service lmtp, with mode = 0660 and the group of the service), and start the store; ls -l ${first.path} shows it`,
      },
      evidence,
    );
  },
});
