import { rootCause } from '../../actions/verdict.ts';
import { defineCheck } from '../check.ts';
import { processFacts, processInWords } from '../facts/processes.ts';
import { lockHolder } from '../facts/service-identity.ts';
import { showPlace } from '../facts/usage.ts';
import { runDirectoryOf } from '../parts.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

/** Whether the service runs and answers. */
export const serviceAnswers = defineCheck({
  id: 'service.answers',
  number: 301,
  title: 'The service runs and answers at its control socket',
  why: 'Without it no mail is accepted, and the checks of the running service have nothing to look at.',
  needs: ['configuration', 'settings', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ configuration, settings, service }) {
    const answer = await service.ask();
    const evidence = [
      row(
        `control socket ${answer.path}`,
        'answers',
        answer.kind === 'running' ? 'answers' : 'why' in answer ? answer.why : answer.kind,
      ),
    ];
    const unit = settings.server.user === undefined ? '' : ' (or: systemctl start ims)';
    switch (answer.kind) {
      case 'running':
        return healthy([...evidence, row('version', 'one of this control protocol', answer.status.version)]);
      case 'not-permitted':
        return unknown(`${answer.path} may not be used by this user; run it as root or as the service user`, evidence);
      case 'not-running':
        return unhealthy(
          'The service does not run.',
          { cure: `ims run --config ${configuration.path}${unit}` },
          evidence,
        );
      case 'silent':
        return unhealthy(
          `Something is at the control socket, but ${answer.why}.`,
          { cure: 'Look at the last events (ims events --severity warning), then start the service again' },
          evidence,
        );
    }
  },
});

/** A service that does not answer may still hold its lock, and keep a second one from starting. */
export const instanceLock = defineCheck({
  id: 'service.instance-lock',
  number: 302,
  title: 'No other instance holds the lock of the data directory',
  why: 'Two instances on one queue would deliver everything twice; the second one refuses to start (event 4801).',
  needs: ['settings', 'host', 'network', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, network, service }) {
    const path = `${runDirectoryOf(settings)}/lock`;
    const answer = await service.ask();
    if (answer.kind === 'running') return healthy([row(path, 'held by the service that answers', 'held')]);
    const file = await host.file(path);
    if (!file.ok)
      return file.errno === 'ENOENT' ? healthy([row(path, 'free', 'free')]) : unknown(`${path}: ${file.errno}`);
    const held = await network.dial({ address: path, port: 0, timeoutMs: 1000 }).then(
      (stream) => {
        stream.destroy();
        return true;
      },
      () => false,
    );
    if (!held)
      return healthy([row(path, 'free, or left by a process that ended', 'left behind; the next start removes it')]);
    const pid = await lockHolder(host, path);
    const holder = pid === undefined ? undefined : await processFacts(host, pid);
    const words = holder === undefined ? 'a process that cannot be seen from here' : processInWords(holder);
    return unhealthy(
      `The lock ${path} is held by ${words}, which does not answer at the control socket.`,
      { cure: holder === undefined ? `fuser -v ${path}` : `kill ${holder.pid}, then start the service again` },
      [row(path, 'free, or held by the service that answers', `held by ${words}`)],
    );
  },
});

/** Everything that the service says of itself. */
export const everythingRuns = defineCheck({
  id: 'service.everything-runs',
  number: 303,
  title: 'Every listener is bound, every process runs, nothing is degraded',
  why: 'The service runs what it can; this names what it cannot.',
  needs: ['service', 'configuration'],
  after: [
    'service.answers',
    'storage.data-directory',
    'storage.space',
    'storage.file-system-writable',
    'listeners.addresses-present',
    'listeners.ipv6',
    'listeners.may-bind-low-ports',
    'listeners.ports-ours',
  ],
  cost: 'host',
  async look({ service, configuration }) {
    const answer = await service.ask();
    if (answer.kind !== 'running') return unknown('the service does not answer');
    const { listeners, processes, degraded, configurationFile, parts } = answer.status;
    const evidence = [
      ...listeners.map((one) =>
        row(
          `listener ${one.name} at ${showPlace(one.address, one.port)}`,
          'listening',
          one.why === undefined ? one.state : `${one.state}: ${one.why}`,
        ),
      ),
      ...processes.map((one) =>
        row(`${one.role} ${one.index}`, 'running', one.why === undefined ? one.state : `${one.state}: ${one.why}`),
      ),
      ...degraded.map((one) => row(one.part, 'whole', one.why)),
    ];
    const waiting = listeners.filter(({ state }) => state !== 'listening');
    const down = processes.filter(({ state }) => state === 'down');
    // What the rest waits for explains it all.
    const halted = waiting.length > 0 || down.length > 0;
    const root = halted && parts.some(({ state }) => state === 'failed') ? rootCause(parts) : undefined;
    const wrong = [
      ...(root?.cause === undefined ? [] : [`${root.part}: ${root.cause}`]),
      ...waiting.map(
        (one) =>
          `listener ${one.name} at ${showPlace(one.address, one.port)} waits${one.why === undefined ? '' : ` (${one.why})`}`,
      ),
      ...down.map((one) => `${one.role} ${one.index} is down${one.why === undefined ? '' : ` (${one.why})`}`),
      ...degraded.map(({ part, why }) => `${part}: ${why}`),
    ];
    if (wrong.length === 0 && configurationFile !== configuration.path)
      return notApplicable(`the running service has another configuration file: ${configurationFile}`);
    if (wrong.length === 0) return healthy(evidence);
    return unhealthy(
      `The service runs with less than it should: ${wrong.slice(0, 3).join('; ')}.`,
      {
        cure: root?.cure ?? (waiting.length > 0 ? 'ims doctor --only listeners' : 'ims events --severity warning'),
        ...(root?.event === undefined ? {} : { event: root.event }),
      },
      evidence,
    );
  },
});
