import type { Clock } from '../../world/ports/clock.ts';
import type { Network } from '../../world/ports/network.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { errnoOf } from '../../events/fault.ts';
import { Dialogue } from '../doctor/facts/dialogue.ts';
import { PROBE_MS } from './limits.ts';

/** Whether port 25 elsewhere can be reached from here. */
export interface Probed {
  readonly open: boolean | undefined;
  /** What was seen, in a sentence. */
  readonly sentence: string;
}

/** Connects to the mail host of a domain and reads its banner; sends nothing but QUIT. */
export async function probePort25(
  domain: string,
  world: { readonly network: Pick<Network, 'dial'>; readonly clock: Pick<Clock, 'after'>; readonly resolver: Resolver },
): Promise<Probed> {
  const mx = await world.resolver.query(domain, 'MX');
  const host =
    mx.kind === 'records'
      ? [...mx.records].sort((a, b) => a.preference - b.preference)[0]?.exchange
      : mx.kind === 'no-data'
        ? domain
        : undefined;
  const a = host === undefined || host === '' ? undefined : await world.resolver.query(host, 'A');
  const address = a?.kind === 'records' ? a.records[0] : undefined;
  if (host === undefined || address === undefined)
    return {
      open: undefined,
      sentence: `Whether port 25 is open outwards could not be seen: no mail host of ${domain} was found.`,
    };
  const place = `${host} [${address}]:25`;
  try {
    const stream = await world.network.dial({ address, port: 25, timeoutMs: PROBE_MS });
    const dialogue = new Dialogue(stream, world.clock, PROBE_MS);
    const banner = await dialogue.reply();
    stream.end('QUIT\r\n');
    if (typeof banner !== 'string')
      return { open: true, sentence: `Port 25 is open outwards: ${place} answered ${banner.code}.` };
    return { open: false, sentence: `Port 25 seems to be intercepted: ${place} took the connection, but ${banner}.` };
  } catch (error) {
    const errno = errnoOf(error);
    const why = errno === 'ETIMEDOUT' ? 'nothing answers, as where a provider blocks it' : errno;
    return { open: false, sentence: `Port 25 is closed outwards: no connection to ${place} (${why}).` };
  }
}
