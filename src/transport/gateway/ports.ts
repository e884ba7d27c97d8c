import type { GatewaySettings } from '../../settings/gateways.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { ShellSession } from '../../world/ports/secure-shell.ts';
import { bindPort } from './binding.ts';
import { BIND_RETRY_MAX_MS, BIND_RETRY_MS } from './limits.ts';
import type { GatewayPortState } from './port.ts';
import type { Told } from './told.ts';
import { gatewayFault } from './trouble.ts';

interface Port {
  readonly address: string;
  readonly port: number;
  readonly listener: string;
  state: GatewayPortState['state'];
  why: string | undefined;
  /** The session has it, though it is of no use: the server did not take it back. */
  held: boolean;
}

/** What they need. */
export interface GatewayPortsParts {
  readonly clock: Clock;
  readonly ownBanner: string;
  /** Hears when one of them changes. */
  readonly changed: () => void;
  /** Hears that the server does not let us have a port. */
  readonly refused: (address: string, port: number) => void;
}

/** The ports of a gateway that are bound for us, in one session after the other. */
export class GatewayPorts {
  readonly #name: string;
  readonly #host: string;
  readonly #settings: GatewaySettings;
  readonly #parts: GatewayPortsParts;
  readonly #told: Told;
  readonly #ports: Port[];
  readonly #probes = new Map<number, () => void>();
  #session: ShellSession | undefined;
  #retry: Timer | undefined;
  #waitMs = BIND_RETRY_MS;
  #givenUp = false;

  constructor(
    name: string,
    host: string,
    settings: GatewaySettings,
    parts: GatewayPortsParts,
    listen: GatewaySettings['listen'],
    told: Told,
  ) {
    this.#name = name;
    this.#host = host;
    this.#settings = settings;
    this.#parts = parts;
    this.#told = told;
    this.#ports = listen.map((one) => ({ ...one, state: 'waiting', why: undefined, held: false }));
  }

  get wanted(): boolean {
    return this.#ports.length > 0 && !this.#givenUp;
  }

  states(): readonly GatewayPortState[] {
    return this.#ports.map(({ why, held: _, ...port }) => (why === undefined ? port : { ...port, why }));
  }

  /** Whether a connection for a port is one of our own looks at it; then it is noted. */
  isProbe(port: number): boolean {
    const arrived = this.#probes.get(port);
    arrived?.();
    return arrived !== undefined;
  }

  listenerOf(address: string, port: number): string | undefined {
    if (this.#givenUp) return undefined;
    return this.#ports.find((one) => one.address === address && one.port === port)?.listener;
  }

  bind(session: ShellSession): void {
    this.#session = session;
    this.#waitMs = BIND_RETRY_MS;
    void this.#bindAll(session);
  }

  lost(): void {
    this.#session = undefined;
    this.#retry?.cancel();
    for (const port of this.#ports) {
      port.state = 'waiting';
      port.why = undefined;
      port.held = false;
    }
  }

  async giveUp(): Promise<void> {
    this.#givenUp = true;
    this.#retry?.cancel();
    const session = this.#session;
    if (session === undefined) return;
    const bound = this.#ports.filter(({ state }) => state === 'bound');
    await Promise.all(bound.map(({ address, port }) => session.unbind(address, port).catch(() => undefined)));
  }

  close(): void {
    this.#retry?.cancel();
  }

  async #bindAll(session: ShellSession): Promise<void> {
    for (const port of this.#ports) {
      if (port.state === 'bound') continue;
      await this.#bindOne(session, port);
      if (this.#session !== session || this.#givenUp) return;
    }
    if (this.#ports.every(({ state }) => state === 'bound')) {
      this.#told.works(
        this.#ports.map(({ address, port, listener }) => `${printed(address)}:${port} for ${listener}`).join(', '),
      );
      return;
    }
    this.#retry = this.#parts.clock.after(this.#waitMs, () => void this.#bindAll(session));
    this.#waitMs = Math.min(this.#waitMs * 2, BIND_RETRY_MAX_MS);
  }

  async #bindOne(session: ShellSession, port: Port): Promise<void> {
    const bound = await bindPort({
      clock: this.#parts.clock,
      session,
      address: port.address,
      port: port.port,
      ownBanner: this.#parts.ownBanner,
      killOldSession: this.#settings.killOldSession,
      held: port.held,
      expectProbe: (number, arrived) => {
        this.#probes.set(number, arrived);
        return () => void this.#probes.delete(number);
      },
    });
    if (this.#session !== session) return;
    port.state = bound.kind === 'bound' ? 'bound' : 'failed';
    port.why = bound.kind === 'bound' ? undefined : bound.why;
    this.#parts.changed();
    if (bound.kind === 'bound' && bound.endedOldSession) this.#told.sessionEnded(port.port);
    if (bound.kind === 'taken') this.#told.portTaken(port.port, bound.why);
    port.held = bound.kind === 'refused' && bound.held === true;
    if (bound.kind !== 'refused') return;
    this.#parts.refused(port.address, port.port);
    this.#told.trouble(gatewayFault('transport.gateway-forwarding-refused', this.#name, this.#host, bound.why));
  }
}

const printed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
