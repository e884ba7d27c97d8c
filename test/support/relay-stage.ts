import { RelayCourier } from '../../src/flow/delivery/smtp/courier.ts';
import type { AttemptResult } from '../../src/flow/delivery/port.ts';
import type { Claim } from '../../src/flow/queue/port.ts';
import type { RelayTerms } from '../../src/flow/routing/port.ts';
import { printReply } from '../../src/mail/reply.ts';
import type { DeliverySettings } from '../../src/settings/delivery.ts';
import { directDialer } from '../../src/transport/dialer.ts';
import { claimOf, memoryContent, memoryJournal } from './claims.ts';
import { ManualClock } from './manual-clock.ts';
import { type Script, ScriptedPeer } from './scripted-peer.ts';
import { memoryNetwork, type PairOptions } from './streams.ts';

const SETTINGS: DeliverySettings = {
  attemptsMax: 10,
  maildir: '',
  timeouts: {
    connect: 1000,
    greeting: 2000,
    mail: 3000,
    recipient: 4000,
    dataStart: 5000,
    dataBlock: 6000,
    dataEnd: 7000,
    idle: 100,
  },
};
/** Terms as routing makes them for an ordinary domain. */
export const TERMS: RelayTerms = {
  protocol: 'smtp',
  tls: 'opportunistic',
  greetingName: 'me.test',
  connectionsMax: 10,
  messagesPerConnectionMax: 100,
  recipientsPerTransactionMax: 100,
};
/** A small message with a line that begins with a dot. */
export const TEXT = 'Subject: x\r\n\r\n.dot\r\n';

/** A courier with scripted servers by address; a string as script is an errno of the dial. */
export function stage(
  scripts: Readonly<Record<string, Script | string>>,
  options: { readonly terms?: Partial<RelayTerms>; readonly pair?: PairOptions } = {},
) {
  const clock = new ManualClock();
  const peers: ScriptedPeer[] = [];
  const dialled: string[] = [];
  const journal = memoryJournal();
  const terms = { ...TERMS, ...options.terms };
  const network = memoryNetwork((server, to) => {
    dialled.push(to.address);
    const script = scripts[to.address] ?? 'ECONNREFUSED';
    if (typeof script === 'string') return Object.assign(new Error(script), { code: script });
    peers.push(new ScriptedPeer(server, script, terms.protocol === 'lmtp'));
    return undefined;
  }, options.pair);
  const courier = new RelayCourier({ world: { clock }, dialer: directDialer(network), settings: SETTINGS, journal });
  const hosts = Object.keys(scripts).map((address, i) => ({
    name: `mx${i + 1}.y.test`,
    addresses: [address],
    port: 25,
  }));
  const attempt = (claim: Claim): Promise<AttemptResult> =>
    courier.attempt(claim, { kind: 'relay', hosts, terms, reason: 'test' });
  return { clock, peers, dialled, journal, courier, attempt };
}

/** An attempt's outcomes in order, and what it says about the next hop. */
export function show(result: AttemptResult): string[] {
  const outcomes = [...result.outcomes].sort((a, b) => a.index - b.index);
  return [
    ...outcomes.map(
      ({ index, outcome }) =>
        `${index} ${outcome.kind} ${outcome.reply === undefined ? '' : printReply(outcome.reply)}`,
    ),
    result.nextHop,
  ];
}

/** A claim for one recipient. */
export const one = (): Claim => claimOf(['a@y.test'], memoryContent(TEXT));
