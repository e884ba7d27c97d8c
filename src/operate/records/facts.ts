import { readSigningKey } from '../../protocol/dkim-signing/key.ts';
import type { Settings } from '../../settings/index.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { Host } from '../../world/ports/host.ts';
import { certificateKeyHash, ownChain } from '../doctor/facts/own-certificate.ts';
import { heloNames } from '../doctor/facts/helo-names.ts';
import { signingKeys } from '../doctor/facts/signing-keys.ts';
import { sendingFrom } from '../doctor/facts/sending.ts';
import type { PublishingFacts } from './proposal.ts';

/** What is known of this server for its records. Public addresses that this host cannot see are given by the caller. */
export async function publishingFacts(
  settings: Settings,
  { host, disk }: { readonly host: Host; readonly disk: Pick<Disk, 'readFile'> },
  given: { readonly addresses?: readonly string[]; readonly mtaStsId?: string } = {},
): Promise<PublishingFacts> {
  const sending = await sendingFrom(settings, host);
  const sent = sending.kind === 'here' ? sending.addresses.filter(({ inside }) => !inside) : [];
  const all = sent.filter(({ senders }) => senders === undefined);
  const addresses = given.addresses ?? all.map(({ address }) => address);
  const names = new Map(heloNames(settings).map(({ name, addresses: its }) => [name, its]));
  names.delete(settings.server.name.toLowerCase());
  const dkimKeys = signingKeys(settings).flatMap(({ domain, selector, key: pem }) => {
    const read = pem === undefined ? undefined : readSigningKey(pem);
    return read?.ok === true ? [{ domain, selector, algorithm: read.key.algorithm, key: read.key.published }] : [];
  });
  const chain = await ownChain({ settings, disk });
  const leaf = typeof chain === 'string' ? undefined : chain[0];
  return {
    serverName: settings.server.name,
    domains: Object.keys(settings.domains),
    addresses,
    ...(given.addresses === undefined && sent.length > 0
      ? { sendingAddresses: sent.map(({ address }) => address) }
      : {}),
    sending: sending.kind === 'here' ? 'direct' : 'smart-host',
    ...(names.size === 0 ? {} : { faces: [...names].map(([name, its]) => ({ name, addresses: its })) }),
    ...(dkimKeys.length === 0 ? {} : { dkimKeys }),
    ...(leaf === undefined ? {} : { certificateKeyHash: certificateKeyHash(leaf) }),
    ...(given.mtaStsId === undefined ? {} : { mtaStsId: given.mtaStsId }),
  };
}
