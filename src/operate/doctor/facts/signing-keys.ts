import { domainKey } from '../../../mail/mailbox.ts';
import type { Settings } from '../../../settings/index.ts';

/** A key that the settings name, with the domain that it signs for. */
export interface ConfiguredKey {
  readonly domain: string;
  readonly selector: string;
  readonly keyFile: string;
  /** Its text, where it could be read. */
  readonly key?: string | undefined;
}

/** Every key that signs. */
export function signingKeys({ domains }: Pick<Settings, 'domains'>): readonly ConfiguredKey[] {
  return Object.entries(domains).flatMap(([name, { dkim }]) =>
    [dkim ?? []].flat().map((one) => ({ ...one, domain: domainKey(name.toLowerCase()) })),
  );
}
