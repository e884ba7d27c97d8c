import type { Journal } from '../../events/journal.ts';
import type { Clock } from '../../world/ports/clock.ts';
import { GATEWAY_TOLD_MAX, GATEWAY_TOLD_MS } from './limits.ts';
import type { GatewayFault } from './trouble.ts';

/** What was told of a gateway: events tell of changes only, and of the same trouble not all the time. */
export class Told {
  readonly #gateway: string;
  readonly #host: string;
  readonly #journal: Journal;
  readonly #clock: Pick<Clock, 'now'>;
  /** What stands against it now; '' where nothing does, undefined before the first word. */
  #now: string | undefined;
  readonly #times = new Map<string, number[]>();
  /** Whether what stands against it now was told. */
  #told = false;
  #toldTrouble = false;

  constructor(gateway: string, host: string, parts: { readonly journal: Journal; readonly clock: Pick<Clock, 'now'> }) {
    this.#gateway = gateway;
    this.#host = host;
    this.#journal = parts.journal;
    this.#clock = parts.clock;
  }

  trouble({ event, data }: GatewayFault): void {
    if (!this.#isNews(event, event)) return;
    this.#toldTrouble = true;
    this.#journal.emit(event, data);
  }

  portTaken(port: number, why: string): void {
    if (!this.#isNews(`taken ${port} ${why}`, `taken ${port}`)) return;
    this.#toldTrouble = true;
    this.#journal.emit('transport.gateway-port-taken', { gateway: this.#gateway, host: this.#host, port, why });
  }

  works(listening: string): void {
    const first = this.#now === undefined;
    if (this.#now === '') return;
    this.#now = '';
    if (!first && !this.#toldTrouble) return;
    this.#toldTrouble = false;
    this.#journal.emit('transport.gateway-works', { gateway: this.#gateway, host: this.#host, listening });
  }

  sessionEnded(port: number): void {
    this.#journal.emit('transport.gateway-session-ended', { gateway: this.#gateway, port });
  }

  /** One entry of times per event, and per port that is taken: bounded by the settings. */
  #isNews(state: string, kind: string): boolean {
    if (this.#now !== state) this.#told = false;
    this.#now = state;
    if (this.#told) return false;
    const now = this.#clock.now();
    const recent = (this.#times.get(kind) ?? []).filter((time) => now - time < GATEWAY_TOLD_MS);
    this.#told = recent.length < GATEWAY_TOLD_MAX;
    if (this.#told) recent.push(now);
    this.#times.set(kind, recent);
    return this.#told;
  }
}
