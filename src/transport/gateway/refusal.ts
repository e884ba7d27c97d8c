import type { Clock } from '../../world/ports/clock.ts';
import type { ShellOpenFailure, ShellSession } from '../../world/ports/secure-shell.ts';
import { bindPort } from './binding.ts';
import { LOOK_MS } from './limits.ts';

/** What a session was refused: a port there, or a connection from there; `shortage`: one to the server itself, for want of something. */
export type Refused =
  | { readonly kind: 'port'; readonly address: string; readonly port: number }
  | { readonly kind: 'connection'; readonly host: string; readonly port: number; readonly shortage: boolean };

/** Whether a session may have now what was refused. Nothing of it is kept. */
export async function mayHave(session: ShellSession, refused: Refused, clock: Clock): Promise<boolean> {
  if (refused.kind === 'connection') {
    try {
      (await session.open(refused.host, refused.port, LOOK_MS)).destroy();
      return true;
    } catch (error) {
      const { refusal } = error as ShellOpenFailure;
      // Whether the host answers is another question.
      return !refused.shortage && refusal !== 'prohibited' && refusal !== 'lost';
    }
  }
  const probes = new Map<number, () => void>();
  session.onConnection((connection) => {
    probes.get(connection.boundPort)?.();
    connection.refuse();
  });
  const { address, port } = refused;
  const expectProbe = (number: number, arrived: () => void): (() => void) => {
    probes.set(number, arrived);
    return () => void probes.delete(number);
  };
  const parts = { clock, session, address, port, ownBanner: '', killOldSession: false, held: false, expectProbe };
  if ((await bindPort(parts)).kind !== 'bound') return false;
  await session.unbind(address, port).catch(() => undefined);
  return true;
}
