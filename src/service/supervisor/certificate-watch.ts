/** Looks whether certificate and key have been renewed, or are there at last: whatever renews them need not tell the service. */
import type { Settings } from '../../settings/index.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { loadCertificate, tryPair, type CertificatePair } from './certificate.ts';
import { limits } from './limits.ts';

/** What looking after the certificate needs. */
export interface CertificateWatchParts {
  readonly clock: Pick<Clock, 'after' | 'wall'>;
  readonly disk: Disk;
  readonly settings: () => Settings;
  readonly tlsContext: (certificatePem: string, keyPem: string) => unknown;
  /** What is in use; undefined where TLS cannot be offered. */
  readonly inUse: () => CertificatePair | undefined;
  /** Puts what is on disk into use. */
  readonly renew: () => Promise<unknown>;
}

/** Takes a pair that fits, and that was the same at two looks: certificate and key are written one after the other. */
export class CertificateWatch {
  readonly #parts: CertificateWatchParts;
  #timer: Timer | undefined;
  #stopped = false;
  #seen = '';
  #tried = '';

  constructor(parts: CertificateWatchParts) {
    this.#parts = parts;
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #later(): void {
    if (!this.#stopped) this.#timer = this.#parts.clock.after(limits.certificateLookMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const pair = await this.#fitting();
    const { inUse, renew } = this.#parts;
    const now = pair === undefined ? '' : printed(pair);
    const used = inUse();
    if (now !== '' && now === this.#seen && now !== this.#tried && (used === undefined || now !== printed(used))) {
      this.#tried = now;
      if (!this.#stopped) await renew();
    }
    this.#seen = now;
    this.#later();
  }

  /** The configured pair as it is on disk, where it can be used; what is wrong with it is told by whoever loads it. */
  async #fitting(): Promise<CertificatePair | undefined> {
    const { clock, disk, settings, tlsContext } = this.#parts;
    const { tls, server } = settings();
    if (tls.certificate === undefined) return undefined;
    try {
      const where = { disk, dataDirectory: server.data, serverName: server.name, nowMs: clock.wall() };
      const pair = await loadCertificate(tls, where);
      tryPair(pair, tls, tlsContext);
      return pair;
    } catch {
      return undefined;
    }
  }
}

const printed = ({ certificatePem, keyPem }: CertificatePair): string => `${certificatePem}\0${keyPem}`;
