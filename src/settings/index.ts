import { z } from 'zod';
import { deliverySettings } from './delivery.ts';
import { dequeueSettings } from './dequeue.ts';
import { doctorSettings } from './doctor.ts';
import { eventsSettings } from './events.ts';
import { gatewaysSettings } from './gateways.ts';
import { listenersSettings } from './listeners.ts';
import { namesSettings } from './names.ts';
import { networkSettings } from './network.ts';
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
  server: serverSettings.describe('Who this server is and where it keeps things.'),
  listeners: listenersSettings,
  tls: tlsSettings.prefault({}).describe('Our certificate.'),
  reception: receptionSettings.prefault({}).describe('Limits and time-outs of incoming sessions.'),
  policy: policySettings
    .prefault({})
    .describe('Who may do what. Closed by default: without a login nobody sends to other domains.'),
  domains: recipientsSettings.default({}),
  routing: routingSettings
    .prefault({})
    .describe('Where outgoing mail goes. By default to the MX hosts of the recipient’s domain.'),
  gateways: gatewaysSettings.default({}),
  dequeue: dequeueSettings.default({}),
  delivery: deliverySettings.prefault({}).describe('How attempts to deliver are made.'),
  scheduler: schedulerSettings.prefault({}).describe('When attempts are made.'),
  queue: queueSettings.prefault({}).describe('The durable queue.'),
  names: namesSettings.prefault({}).describe('The name service (DNS).'),
  network: networkSettings.prefault({}).describe('Layers between the service and its sockets.'),
  reporting: reportingSettings.prefault({}).describe('Reports to senders and to the postmaster.'),
  events: eventsSettings.prefault({}).describe('What is written down, and for how long.'),
  doctor: doctorSettings.prefault({}).describe('How often the service examines itself.'),
});
export type Settings = z.infer<typeof settings>;
