import type { PartState } from '../../operate/actions/context.ts';
import type { Change, Problem } from '../../operate/config/index.ts';
import type { ListenersSettings } from '../../settings/listeners.ts';
import type { Briefing, ListenerState } from '../messages.ts';

/** What a reload found in the configuration file. */
export type Reloaded =
  | {
      readonly ok: true;
      readonly briefing: Briefing;
      readonly changes: readonly Change[];
      /** The listeners that the file asks for: they are bound at a start only, and one that could not be is waited for no longer. */
      readonly listeners: ListenersSettings;
      /** Called once it is in use. */
      readonly applied: () => void;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What `ims status` shows of the processes. */
export interface SupervisorStatus {
  readonly generation: number;
  readonly startedAtMs: number;
  readonly configuration: string;
  readonly processes: readonly {
    readonly role: string;
    readonly index: number;
    readonly pid: number | undefined;
    readonly state: string;
    readonly restarts: number;
    readonly sinceMs: number;
  }[];
  readonly listeners: readonly ListenerState[];
  readonly parts: readonly PartState[];
}

/** How a reload ended. */
export type ReloadResult =
  | { readonly ok: true; readonly generation: number; readonly changes: readonly Change[] }
  /** The file is wrong (`problems`), or it is right and a worker could not take it (`why`). */
  | { readonly ok: false; readonly problems: readonly Problem[] | undefined; readonly why: string };
