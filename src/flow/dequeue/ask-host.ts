import { errnoOf } from '../../events/fault.ts';
import { printReply, type Reply, replyKind } from '../../mail/reply.ts';
import type { ClientOptions } from '../../protocol/smtp/client/port.ts';
import type { DeliverySettings } from '../../settings/delivery.ts';
import type { DequeueEntry } from '../../settings/dequeue.ts';
import { gatewayFaultInWords, isGatewayFault } from '../../transport/gateway/trouble.ts';
import type { Dialer, Way } from '../../transport/port.ts';
import { addressesOf } from '../../transport/proxy-address.ts';
import { isProxyFault, proxyFaultInWords } from '../../transport/proxy-fault.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { looksUpAtProxy } from '../routing/ways.ts';
import { HostDialogue } from './dialogue.ts';
import { ADDRESSES_MAX, PORTS } from './limits.ts';
import type { Asked, RunOutcome, ServeTurned, WaysOf } from './port.ts';

/** What asking a host needs. */
export interface AskParts {
  readonly clock: Pick<Clock, 'after' | 'now'>;
  readonly dialer: Dialer;
  readonly resolver: Resolver;
  readonly timeouts: DeliverySettings['timeouts'];
  readonly serverName: string;
  readonly waysOf: WaysOf;
  readonly serve: ServeTurned;
  /** Every domain of ours. */
  readonly ownDomains: readonly string[];
  readonly source: { readonly source4?: string | undefined; readonly source6?: string | undefined };
  readonly show: (who: 'S' | 'C' | '*', line: string) => void;
  /** Hears of the dialogue that can be ended. */
  readonly opened: (dialogue: HostDialogue) => void;
}

/** How it came out. */
export interface HostAnswer {
  readonly outcome: RunOutcome;
  /** Replies, or why there are none, in words. */
  readonly result: string;
  readonly asked: readonly Asked[];
  /** Trying again soon makes sense: nothing refused it for good. */
  readonly soonAgain: boolean;
  /** A program of ours failed, and the host was not asked. */
  readonly byProgram?: boolean;
}

type Entry = DequeueEntry & { readonly command: 'etrn' | 'atrn'; readonly host: string };

const CLIENT_TLS: Readonly<Record<DequeueEntry['tls'], ClientOptions['tls']>> = {
  none: 'never',
  opportunistic: 'offered',
  required: 'needed',
  verified: 'needed',
  implicit: 'established',
};

const failed = (result: string, soonAgain = true): HostAnswer => ({ outcome: 'failed', result, asked: [], soonAgain });

/** Asks a host for the mail that it holds, and with ATRN takes it. */
export async function askHost(name: string, entry: Entry, parts: AskParts): Promise<HostAnswer> {
  const opened = await open(entry, parts);
  if ('why' in opened) return failed(opened.why);
  parts.opened(opened);
  const domains = entry.domains ?? parts.ownDomains;
  if (entry.command === 'etrn') return etrn(opened, domains);
  return atrn(name, opened, domains, parts);
}

async function open(entry: Entry, parts: AskParts): Promise<HostDialogue | { readonly why: string }> {
  const ways = parts.waysOf(entry.proxy);
  if (ways.kind === 'missing') return { why: ways.why };
  const found = looksUpAtProxy(ways.ways) ? { addresses: [entry.host] } : await addressesOf(entry.host, parts.resolver);
  if ('why' in found) return found;
  let last = { why: 'it has no address' };
  for (const address of found.addresses.slice(0, ADDRESSES_MAX)) {
    const dialogue = await dial(entry, address, ways.ways, parts);
    if (!('why' in dialogue)) return dialogue;
    last = dialogue;
  }
  return last;
}

async function dial(
  entry: Entry,
  address: string,
  ways: readonly Way[],
  parts: AskParts,
): Promise<HostDialogue | { readonly why: string }> {
  const { login, tls, host } = entry;
  const port = entry.port ?? PORTS[entry.command];
  const { clock, timeouts, serverName, show } = parts;
  show('*', `connecting to ${address === host ? host : `${host} [${address}]`} port ${port}`);
  try {
    let greetingName = serverName;
    const stream = await parts.dialer.dial({
      name: host,
      address,
      port,
      timeoutMs: timeouts.connect,
      ways,
      ...parts.source,
      taken: (way) => {
        if (way !== 'direct') greetingName = way.greetingName ?? serverName;
      },
    });
    const dialogue = new HostDialogue(stream, {
      clock,
      timeouts,
      hostName: host,
      verify: tls === 'verified' || tls === 'implicit',
      show,
      client: {
        protocol: 'smtp',
        greetingName,
        tls: CLIENT_TLS[tls],
        clearLogin: 'hashed',
        helo: false,
        ...(login === undefined ? {} : { login: { user: login.user, password: login.password ?? '' } }),
      },
    });
    return (await dialogue.open()) ?? dialogue;
  } catch (error) {
    if (isGatewayFault(error)) return { why: gatewayFaultInWords(error) };
    if (isProxyFault(error)) return { why: proxyFaultInWords(error) };
    return { why: `no connection to ${address} port ${port}: ${errnoOf(error) || String(error)}` };
  }
}

/** RFC 1985 §5.3: 250 to 253 are well, 251 says that nothing waits; 458 is for now, anything else refuses. */
async function etrn(dialogue: HostDialogue, domains: readonly string[]): Promise<HostAnswer> {
  const asked: Asked[] = [];
  for (const domain of domains) {
    const line = `ETRN ${domain}`;
    const reply = await dialogue.ask(line);
    if ('why' in reply) return { ...failed([...words(asked), `${line}: ${reply.why}`].join('; ')), asked };
    asked.push({ line, reply });
  }
  await dialogue.quit();
  const refused = asked.filter(({ reply }) => replyKind(reply) !== 'positive');
  return {
    outcome: refused.length > 0 ? 'refused' : asked.every(({ reply }) => reply.code === 251) ? 'nothing' : 'done',
    result: words(asked).join('; '),
    asked,
    soonAgain: refused.some(({ reply }) => isTransient(reply)),
  };
}

/** RFC 2645 §5.2.1: after 250 the roles turn; 453 says that nothing waits; 450 and 451 are for now. */
async function atrn(
  name: string,
  dialogue: HostDialogue,
  domains: readonly string[],
  { serve, show }: AskParts,
): Promise<HostAnswer> {
  const line = `ATRN ${domains.join(',')}`;
  const reply = await dialogue.ask(line);
  if ('why' in reply) return failed(`${line}: ${reply.why}`);
  const asked = [{ line, reply }];
  const said = words(asked).join('');
  if (replyKind(reply) === 'positive') {
    show('*', 'the roles turn: the host sends, we receive');
    const { messages, why } = await serve(dialogue.turn(), name, domains);
    const came = `${messages} message${messages === 1 ? '' : 's'} came (${why})`;
    show('*', came);
    return { outcome: 'done', result: `${said}; ${came}`, asked, soonAgain: false };
  }
  await dialogue.quit();
  if (reply.code === 453) return { outcome: 'nothing', result: said, asked, soonAgain: false };
  return { outcome: 'refused', result: said, asked, soonAgain: isTransient(reply) };
}

/** 459 says 'not allowed' although it begins with a 4. */
const isTransient = (reply: Reply): boolean => replyKind(reply) === 'transient' && reply.code !== 459;

const words = (asked: readonly Asked[]): string[] => asked.map(({ line, reply }) => `${line}: ${printReply(reply)}`);
