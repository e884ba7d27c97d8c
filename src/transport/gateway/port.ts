/** The door of the gateways: hosts with OpenSSH on whose ports we listen and from which we dial. */
import type { GatewaysSettings } from '../../settings/gateways.ts';
import type { ByteStream } from '../../world/ports/network.ts';
import type { DialRequest, GatewayWay } from '../port.ts';
import type { GatewayFault, GatewayTrouble } from './trouble.ts';

/** A port on a gateway, as it stands. */
export interface GatewayPortState {
  readonly address: string;
  readonly port: number;
  readonly listener: string;
  /** 'waiting' while there is no session. */
  readonly state: 'bound' | 'failed' | 'waiting';
  readonly why?: string;
}

/** A gateway, as one worker sees it. */
export interface GatewayState {
  readonly name: string;
  readonly host: string;
  /** 'idle': not needed now; 'waiting': between attempts. */
  readonly state: 'idle' | 'connecting' | 'up' | 'waiting';
  /** Since when, by the monotonic clock. */
  readonly sinceMs: number;
  /** What its SSH server says it is, while there is a session. */
  readonly software?: string;
  readonly trouble?: { readonly event: GatewayTrouble; readonly why: string };
  /** Empty in a worker that does not own the gateway. */
  readonly ports: readonly GatewayPortState[];
  /** Connections through it, both ways. */
  readonly connections: number;
}

/** How a connection from a gateway came out. */
export type GatewayDial =
  | { readonly kind: 'open'; readonly stream: ByteStream }
  /** The gateway works, the host does not answer it. */
  | { readonly kind: 'target-unreachable'; readonly error: Error & { readonly code: string } }
  | { readonly kind: 'gateway-failed'; readonly fault: GatewayFault };

/** All gateways of a worker. */
export interface Gateways {
  /** Connects from a gateway. Never rejects. */
  dial(way: GatewayWay, request: DialRequest): Promise<GatewayDial>;
  /** Works by these settings from now on; gateways whose settings are the same are not disturbed. */
  use(settings: GatewaysSettings): void;
  states(): readonly GatewayState[];
  /** Gives the ports back; connections live on. */
  stopListening(): Promise<void>;
  close(): void;
}
