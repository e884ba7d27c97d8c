import type { Parts } from '../check.ts';
import { notApplicable, row, unknown, type Verdict } from '../verdict.ts';
import { isPublished, publishedDomains } from './published.ts';
import { sendingFrom, type SendingAddress } from './sending.ts';
import { isForTrying, isStore } from './usage.ts';

/** The addresses that others see our mail come from, or why there is nothing to look at. */
export type Sender = { readonly addresses: readonly SendingAddress[] } | { readonly verdict: Verdict };

/** Finds them. Behind an address translation they cannot be seen from here. */
export async function senders({
  settings,
  host,
  resolver,
}: Pick<Parts, 'settings' | 'host' | 'resolver'>): Promise<Sender> {
  if (isForTrying(settings)) return { verdict: notApplicable('only this host reaches the listeners') };
  if (isStore(settings))
    return { verdict: notApplicable('mail comes by LMTP for mailboxes here, and none is sent on') };
  if (!(await isPublished(resolver, settings.server.name)) && (await publishedDomains(resolver, settings)).length === 0)
    return { verdict: notApplicable('no name of this server is one of the public name service') };
  const sending = await sendingFrom(settings, host);
  if (sending.kind === 'elsewhere') return { verdict: notApplicable(sending.because) };
  const { addresses } = sending;
  const outside = addresses.filter(({ inside }) => !inside);
  if (outside.length > 0) return { addresses: outside };
  const evidence = addresses.map(({ address, how }) => row(how, 'a public address', `${address}, a private one`));
  return {
    verdict: unknown(
      addresses.length === 0
        ? 'it cannot be seen which address mail is sent from'
        : `mail is sent from ${addresses.map(({ address }) => address).join(', ')} and translated on the way: the address that others see cannot be seen from here`,
      evidence,
    ),
  };
}
