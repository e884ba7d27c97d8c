/** A process inside one of the namespaces of the scene: does what it is asked over its channel and answers. */
import { connect } from 'node:net';
import { SmtpLine } from '../../support/ledger-client.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { type Postfix, startPostfix } from '../../support/postfix.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';

/** What it is asked. */
export type Asked =
  | { readonly what: 'dns'; readonly zone: string; readonly address?: string; readonly port?: number }
  | { readonly what: 'dns-load'; readonly zone: string }
  | { readonly what: 'sink'; readonly address: string }
  /** How often each recipient got a message, and who connected. */
  | { readonly what: 'arrivals' }
  /** Where sessions of the sink stop from now on. */
  | { readonly what: 'stall'; readonly at?: 'data' | 'end' }
  | { readonly what: 'stalled' }
  /** A real Postfix for a domain; what it has no mailboxes for it sends to that host. */
  | { readonly what: 'postfix'; readonly address: string; readonly domain: string; readonly relay: string }
  | { readonly what: 'postfix-mail' }
  | { readonly what: 'postfix-end' }
  /** One message; says what the server said to it. */
  | {
      readonly what: 'send';
      readonly to: string;
      readonly port?: number;
      readonly recipient: string;
      readonly octets?: number;
    }
  /** A session that stops in the middle of mail data, or right after the end of it, before it heard the answer. */
  | { readonly what: 'begin'; readonly to: string; readonly recipient: string; readonly stop: 'data' | 'end' }
  /** Goes on with it: the answer to the end of its data, or how it was cut. */
  | { readonly what: 'finish' }
  /** Connections that say nothing, or never read what they are told. */
  | { readonly what: 'idle'; readonly to: string; readonly port: number; readonly count: number }
  | { readonly what: 'deaf'; readonly to: string }
  /** Messages at a rate until it is told to stop; the ledger of names that were taken. */
  | {
      readonly what: 'flow';
      readonly to: string;
      readonly port?: number;
      readonly perSecond: number;
      readonly domain: string;
      readonly tag: string;
    }
  | { readonly what: 'stop-flow' }
  /** Waits until a banner comes from there; how many milliseconds that took. */
  | { readonly what: 'banner'; readonly to: string; readonly port: number; readonly withinMs: number }
  /** So many sessions at once, each through EHLO; how many got so far. */
  | { readonly what: 'many'; readonly to: string; readonly sessions: number };

let dns: TestDnsServer | undefined;
let sink: LedgerSink | undefined;
let begun: SmtpLine | undefined;
const kept: SmtpLine[] = [];
let postfix: Postfix | undefined;
let flowing = false;
let flow: Promise<unknown> = Promise.resolve();

async function opening(line: SmtpLine, from: string, recipient: string): Promise<void> {
  await line.say(`MAIL FROM:<${from}>`, 250);
  await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
}

async function message(line: SmtpLine, from: string, recipient: string, name: string, octets = 0): Promise<void> {
  await opening(line, from, recipient);
  const fields = `Message-ID: <${name}@far.test>\r\nFrom: <${from}>\r\nSubject: ${name}\r\n`;
  await line.say(`${fields}\r\nhello\r\n${`${'x'.repeat(70)}\r\n`.repeat(Math.ceil(octets / 72))}.`, 250);
}

async function begin(to: string, recipient: string, stop: 'data' | 'end'): Promise<void> {
  begun = await SmtpLine.open(25, to);
  await begun.expect(220);
  await begun.say('EHLO far.test', 250);
  await opening(begun, 'someone@far.test', recipient);
  begun.send(`Subject: begun\r\n\r\n${stop === 'end' ? 'all\r\n.\r\n' : 'half\r\n'}`);
}

/** Asks so much that the answers fill every buffer on the way, and reads none of them. */
async function deaf(to: string): Promise<void> {
  const socket = connect({ host: to, port: 25 });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('EHLO far.test\r\n'.repeat(20_000));
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function flows(to: string, port: number, perSecond: number, domain: string, tag: string): Promise<unknown> {
  const acknowledged: string[] = [];
  const sessions = Array.from({ length: 5 }, async (_, i) => {
    let count = 0;
    while (flowing) {
      const line = await SmtpLine.open(port, to).catch(() => undefined);
      if (line === undefined) {
        await pause(50);
        continue;
      }
      try {
        await line.expect(220);
        await line.say('EHLO far.test', 250);
        for (let inSession = 0; flowing && inSession < 50; inSession += 1) {
          count += 1;
          const name = `${tag}-${i}-${count}`;
          await message(line, 'someone@far.test', `${name}@${domain}`, name);
          acknowledged.push(name);
          await pause(5000 / perSecond);
        }
        await line.say('QUIT', 221);
      } catch {
        await pause(20);
      } finally {
        line.close();
      }
    }
  });
  await Promise.all(sessions);
  return acknowledged;
}

async function banner(to: string, port: number, withinMs: number): Promise<number | undefined> {
  const start = performance.now();
  while (performance.now() - start < withinMs) {
    const line = await SmtpLine.open(port, to).catch(() => undefined);
    if (line !== undefined) {
      const heard = await Promise.race([line.expect(220).catch(() => undefined), pause(1000)]);
      line.close();
      if (heard !== undefined) return Math.round(performance.now() - start);
    }
    await pause(30);
  }
  return undefined;
}

async function many(to: string, sessions: number): Promise<number> {
  const lines = await Promise.all(
    Array.from({ length: sessions }, async () => {
      const line = await SmtpLine.open(25, to);
      await line.expect(220);
      await line.say('EHLO far.test', 250);
      return line;
    }),
  );
  for (const line of lines) line.close();
  return lines.length;
}

async function answer(asked: Asked): Promise<unknown> {
  switch (asked.what) {
    case 'dns':
      dns = await startDnsServer(asked.zone, asked);
      return dns.server;
    case 'dns-load':
      return dns?.load(asked.zone);
    case 'sink':
      sink = await startLedgerSink(25, asked.address);
      return sink.port;
    case 'postfix': {
      const { address, domain, relay } = asked;
      const parameters = `default_transport = smtp:[${relay}]\n${address.includes(':') ? 'smtp_bind_address6' : 'smtp_bind_address'} = ${address}\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination`;
      postfix = await startPostfix({ port: 25, address, domains: [domain], parameters });
      return undefined;
    }
    case 'postfix-mail':
      return postfix?.mail();
    case 'postfix-end':
      return postfix?.remove();
    case 'arrivals':
      return { arrivals: [...(sink?.arrivals ?? [])], peers: [...(sink?.peers ?? [])] };
    case 'send': {
      const line = await SmtpLine.open(asked.port ?? 25, asked.to);
      try {
        await line.expect(220);
        await line.say('EHLO far.test', 250);
        await message(line, 'someone@far.test', asked.recipient, `one-${Math.round(performance.now())}`, asked.octets);
        return 'taken';
      } catch (error) {
        return String(error);
      } finally {
        line.close();
      }
    }
    case 'stall':
      return sink?.stallAt(asked.at);
    case 'stalled':
      return sink?.stalled;
    case 'begin':
      return begin(asked.to, asked.recipient, asked.stop);
    case 'finish':
      begun?.send('rest\r\n.\r\n');
      return begun?.reply().catch(String);
    case 'idle':
      for (let i = 0; i < asked.count; i += 1) kept.push(await SmtpLine.open(asked.port, asked.to));
      return undefined;
    case 'deaf':
      return deaf(asked.to);
    case 'flow':
      flowing = true;
      flow = flows(asked.to, asked.port ?? 25, asked.perSecond, asked.domain, asked.tag);
      return undefined;
    case 'stop-flow':
      flowing = false;
      return flow;
    case 'banner':
      return banner(asked.to, asked.port, asked.withinMs);
    case 'many':
      return many(asked.to, asked.sessions);
  }
}

process.on('message', ({ id, asked }: { readonly id: number; readonly asked: Asked }) => {
  answer(asked).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
