import type { Catalogue } from './catalogue/index.ts';
import type { FieldTypes } from './field.ts';

type Rows = Catalogue[keyof Catalogue];

/** The names of all declared events. */
export type EventName = Rows['name'];

type RowOf<N extends EventName> = Extract<Rows, { readonly name: N }>;

/** The data an event carries, by its declaration. */
export type EventData<N extends EventName> = {
  readonly [F in keyof RowOf<N>['data']]: RowOf<N>['data'][F] extends keyof FieldTypes
    ? FieldTypes[RowOf<N>['data'][F]]
    : never;
};

/**
 * Where events go. There is no other logging. An unknown name or a missing field does not compile.
 * Emitting never throws and never waits.
 */
export interface Journal {
  emit<N extends EventName>(name: N, data: EventData<N>): void;
}
