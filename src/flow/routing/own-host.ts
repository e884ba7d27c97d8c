import { canonicalIp, isLoopback, parseIp } from '../../base/ip.ts';
import { domainKey } from '../../mail/mailbox.ts';

/** What this host is called and where it listens. */
export interface OwnHostOptions {
  readonly serverName: string;
  /** routing.ownNames: further names, and addresses such as the public one before a NAT. */
  readonly ownNames: readonly string[];
  /** The addresses at which this host accepts SMTP on a port; '0.0.0.0' and '::' stand for all of a family. */
  readonly ownAddresses: (port: number) => readonly string[];
}

/** Knows this host again, so that mail is not sent in a circle (RFC 5321 §5.1). */
export class OwnHost {
  readonly #names = new Set<string>();
  readonly #addresses = new Set<string>();
  readonly #listening: OwnHostOptions['ownAddresses'];

  constructor({ serverName, ownNames, ownAddresses }: OwnHostOptions) {
    for (const text of [serverName, ...ownNames]) {
      const address = canonicalIp(text);
      if (address === undefined) this.#names.add(domainKey(text.toLowerCase().replace(/\.$/, '')));
      else this.#addresses.add(address);
    }
    this.#listening = ownAddresses;
  }

  /** Whether a name is one of ours. */
  hasName(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether an address is configured as one of ours, such as the public one before a NAT. */
  isNamed(address: string): boolean {
    return this.#addresses.has(address);
  }

  /** Whether a connection to the address and port would end at this server. */
  hasAddress(address: string, port: number): boolean {
    const listening = this.#listening(port);
    const ip = parseIp(address);
    for (const own of listening) {
      if (own === address) return true;
      if (ip !== undefined && own === (ip.family === 4 ? '0.0.0.0' : '::') && isLoopback(ip)) return true;
    }
    return false;
  }

  /** Whether this server accepts anything on the port: else a host of our name and that port is another program. */
  listensOn(port: number): boolean {
    return this.#listening(port).length > 0;
  }
}
