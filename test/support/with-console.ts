import { type TestPorts, testConfiguration } from './configurations.ts';
import { until } from './processes.ts';
import { startService, type TestService } from './service.ts';

/** A service with the console at that place. */
export function startWithConsole(
  place: string,
  ports: TestPorts,
  change: (yaml: string) => string = (yaml) => yaml,
): Promise<TestService> {
  const more = 'names: { servers: [127.0.0.1] }\n';
  return startService((directory) =>
    change(
      testConfiguration({ directory, ports, workers: 1, more }).replace('server: {', `server: { console: '${place}',`),
    ),
  );
}

/** Waits until the console is served, and yields the token that `ims console` prints. */
export async function tokenOf(running: TestService): Promise<string> {
  await until('the console', async () => (await running.ims('console')).code === 0, 30_000);
  return (await running.ims('console', '--token')).stdout.trim();
}
