import type { ListenerStatus } from '../../actions/context.ts';

/** Where a test message is handed over. */
export interface Target {
  readonly address: string;
  readonly port: number;
  readonly tls: 'none' | 'starttls' | 'implicit';
  readonly lmtp: boolean;
}

/** A choice, or why there is none. */
export type Choice = { readonly ok: true; readonly target: Target } | { readonly ok: false; readonly why: string };

/** Reads 'host:port', '[::1]:25' or an address alone. */
export function parseServer(text: string, tls: Target['tls']): Choice {
  const match =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ??
    (/^[0-9a-fA-F:.]+$/.test(text) ? [text, text, undefined, undefined] : null);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 25);
  if (host === undefined || port > 65535)
    return { ok: false, why: `'${text}' is not a server; write 127.0.0.1:25 or [::1]:25` };
  const address = host === 'localhost' ? '127.0.0.1' : host;
  if (!/^[\d.]+$/.test(address) && !address.includes(':'))
    return { ok: false, why: `'${host}' is a name; give its IP address, as a test should not depend on DNS` };
  return { ok: true, target: { address, port, tls, lmtp: false } };
}

const reachable = (address: string): string =>
  address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;

/** Chooses a listener of the running service: submission for a user who logs in, else mx. Loopback and IPv4 first. */
export function chooseListener(listeners: readonly ListenerStatus[], login: boolean, lmtp: boolean): Choice {
  const profile = login ? 'submission' : lmtp ? 'lmtp' : 'mx';
  const rank = ({ address, tls }: ListenerStatus): number =>
    (reachable(address).startsWith('127.') ? 0 : reachable(address) === '::1' ? 1 : 2) + (tls === 'implicit' ? 0.5 : 0);
  const usable = listeners
    .filter((one) => one.profile === profile && one.state === 'listening')
    .sort((a, b) => rank(a) - rank(b));
  const best = usable[0];
  if (best === undefined)
    return {
      ok: false,
      why: `the service has no listener of the profile ${profile} that is listening; \`ims status\` shows what there is`,
    };
  const tls =
    best.tls === 'implicit'
      ? 'implicit'
      : login && best.tls !== 'none'
        ? 'starttls'
        : best.tls === 'required'
          ? 'starttls'
          : 'none';
  return { ok: true, target: { address: reachable(best.address), port: best.port, tls, lmtp: profile === 'lmtp' } };
}
