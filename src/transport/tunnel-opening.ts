import type { TunnelFailure, TunnelMachine } from '../protocol/proxy/tunnel.ts';
import type { Clock } from '../world/ports/clock.ts';
import type { ByteStream } from '../world/ports/network.ts';
import { LayeredStream } from './layered-stream.ts';
import { EVIDENCE_WAIT_MS } from './limits.ts';

/** How a proxy's answer ended. `silent`: it hung up or said nothing while `phase` was waited for. */
export type TunnelOpening =
  | { readonly kind: 'open'; readonly stream: ByteStream }
  | TunnelFailure
  | { readonly kind: 'silent'; readonly phase: TunnelMachine['phase']; readonly hungUp: boolean };

/** Speaks with a proxy until the tunnel is open; whatever else it comes to, the connection is ended. Never rejects. */
export function openTunnel(
  stream: ByteStream,
  machine: TunnelMachine,
  clock: Clock,
  timeoutMs: number,
): Promise<TunnelOpening> {
  return new Promise((resolve) => {
    let over = false;
    const settle = (opening: TunnelOpening): void => {
      if (over) return;
      over = true;
      timer.cancel();
      if (opening.kind !== 'open') stream.destroy();
      resolve(opening);
    };
    const giveUp = (hungUp: boolean): void => {
      const { phase } = machine;
      settle(machine.finish() ?? { kind: 'silent', phase, hungUp });
    };
    let timer = clock.after(timeoutMs, () => giveUp(false));
    const left = (): void => giveUp(true);
    stream.start({
      data(chunk) {
        if (over) return;
        const before = machine.phase;
        const step = machine.receive(chunk);
        switch (step.kind) {
          case 'open':
            settle({ kind: 'open', stream: new LayeredStream(stream, step.rest) });
            return;
          case 'failed':
            settle(step.failure);
            return;
          case 'more':
            if (step.send !== undefined) stream.write(step.send);
            if (machine.phase === before || machine.phase !== 'evidence') return;
            timer.cancel();
            timer = clock.after(Math.min(EVIDENCE_WAIT_MS, timeoutMs), () => giveUp(false));
        }
      },
      end: left,
      drain() {},
      closed: left,
    });
    stream.write(machine.open());
  });
}
