import type { HostCommand } from './host-command.ts';

/** One change of a configuration; without a value the key goes. */
export interface SettingChange {
  readonly key: readonly (string | number)[];
  readonly value?: unknown;
}

/** What a repair may ask of the running service. */
export interface ServiceRequest {
  readonly action: 'reload' | 'stop' | 'queue.release' | 'queue.hold' | 'queue.bounce';
  readonly input?: object;
}

/** One thing that a repair does. A step says what it changes, so that it can be shown, recorded before, and put back. */
export type Step =
  /** Replaces a small file whole; one that is not there is made. */
  | { readonly do: 'write-file'; readonly path: string; readonly content: string; readonly mode?: number }
  | { readonly do: 'set-mode'; readonly path: string; readonly from: number; readonly mode: number }
  /** Gives a path, and with `within` what is below it, to a user. */
  | {
      readonly do: 'set-owner';
      readonly path: string;
      readonly uid: number;
      readonly gid: number;
      readonly within: readonly string[];
    }
  | {
      readonly do: 'make-directory';
      readonly path: string;
      readonly mode: number;
      readonly owner?: { readonly uid: number; readonly gid: number };
    }
  /** Removes a UNIX socket on which nobody listens; it is looked at again just before. */
  | { readonly do: 'remove-dead-socket'; readonly path: string }
  /** Removes a small file; the snapshot keeps it. */
  | { readonly do: 'remove-file'; readonly path: string }
  /** Changes values of the configuration and keeps its comments and order. */
  | { readonly do: 'edit-configuration'; readonly path: string; readonly changes: readonly SettingChange[] }
  | { readonly do: 'run'; readonly command: HostCommand }
  /** Asks the running service over its control socket. */
  | ({
      readonly do: 'ask-service';
      /** What takes it back, where something does. */
      readonly undo?: ServiceRequest;
      /** What it does, where the action alone does not say. */
      readonly words?: string;
    } & ServiceRequest)
  /** Starts the service without a manager or a terminal, once one that was asked to stop has ended. */
  | { readonly do: 'start-service'; readonly configuration: string };

/** What would cure a finding. */
export type Plan =
  | { readonly kind: 'steps'; readonly summary: string; readonly steps: readonly Step[] }
  /** Nothing here may be changed by a program: the text for a person. */
  | { readonly kind: 'person'; readonly text: string }
  | { readonly kind: 'nothing'; readonly because: string };

const octal = (mode: number): string => mode.toString(8).padStart(3, '0');
const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A step in words, as the preview and events say it. */
export function stepInWords(step: Step): string {
  switch (step.do) {
    case 'write-file':
      return `write ${step.path} (${Buffer.byteLength(step.content)} octets)`;
    case 'set-mode':
      return `set the mode of ${step.path} from ${octal(step.from)} to ${octal(step.mode)}`;
    case 'set-owner':
      return `give ${step.path}${step.within.length === 0 ? '' : ` and ${step.within.length} entries below it`} to uid ${step.uid}, gid ${step.gid}`;
    case 'make-directory':
      return `make the directory ${step.path} with mode ${octal(step.mode)}`;
    case 'remove-dead-socket':
      return `remove the socket ${step.path}, on which nobody listens`;
    case 'remove-file':
      return `remove ${step.path}`;
    case 'edit-configuration':
      return `in ${step.path}: ${step.changes
        .map(({ key, value }) =>
          value === undefined ? `take out ${key.join('.')}` : `set ${key.join('.')} to ${shown(value)}`,
        )
        .join(', ')}`;
    case 'run':
      return `run: ${[step.command.program, ...step.command.arguments].join(' ')}`;
    case 'ask-service':
      return step.words ?? `ask the running service: ${step.action}`;
    case 'start-service':
      return `start the service in the background: ims run --config ${step.configuration}`;
  }
}

/** The files that a step touches: what a snapshot must hold before. */
export function touchedBy(step: Step): readonly string[] {
  switch (step.do) {
    case 'set-owner':
      return [step.path, ...step.within];
    case 'write-file':
    case 'set-mode':
    case 'make-directory':
    case 'remove-dead-socket':
    case 'remove-file':
    case 'edit-configuration':
      return [step.path];
    case 'run':
    case 'ask-service':
    case 'start-service':
      return [];
  }
}
