import { z } from 'zod';
import { deliverySettings } from './delivery.ts';
import { eventsSettings } from './events.ts';
import { listenersSettings } from './listeners.ts';
import { namesSettings } from './names.ts';
import { policySettings } from './policy.ts';
import { queueSettings } from './queue.ts';
import { receptionSettings } from './reception.ts';
import { recipientsSettings } from './recipients.ts';
import { reportingSettings } from './reporting.ts';
import { routingSettings } from './routing.ts';
import { schedulerSettings } from './scheduler.ts';
import { serverSettings } from './server.ts';
import { tlsSettings } from './tls.ts';

/** The whole configuration file. Rooms receive their own section, never the whole. */
export const settings = z.strictObject({
  server: serverSettings,
  listeners: listenersSettings,
  tls: tlsSettings.prefault({}),
  reception: receptionSettings.prefault({}),
  policy: policySettings.prefault({}),
  domains: recipientsSettings.default({}),
  routing: routingSettings.prefault({}),
  delivery: deliverySettings.prefault({}),
  scheduler: schedulerSettings.prefault({}),
  queue: queueSettings.prefault({}),
  names: namesSettings.prefault({}),
  reporting: reportingSettings.prefault({}),
  events: eventsSettings.prefault({}),
});
export type Settings = z.infer<typeof settings>;
