import { configEvents } from './config.ts';
import { controlEvents } from './control.ts';
import { deliveryEvents } from './delivery.ts';
import { dequeueEvents } from './dequeue.ts';
import { doctorEvents } from './doctor.ts';
import { gatewayEvents } from './gateway.ts';
import { namesEvents } from './names.ts';
import { policyEvents } from './policy.ts';
import { queueEvents } from './queue.ts';
import { receptionEvents } from './reception.ts';
import { recipientsEvents } from './recipients.ts';
import { repairEvents } from './repair.ts';
import { reportingEvents } from './reporting.ts';
import { routingEvents } from './routing.ts';
import { schedulerEvents } from './scheduler.ts';
import { serviceEvents } from './service.ts';
import { signingEvents } from './signing.ts';
import { storageEvents } from './storage.ts';
import { supervisorEvents } from './supervisor.ts';
import { transferEvents } from './transfer.ts';
import { transportEvents } from './transport.ts';

/** Every event by its number: the one source of types, reference, texts and articles. A number is never reused. */
export const catalogue = {
  ...serviceEvents,
  ...receptionEvents,
  ...policyEvents,
  ...signingEvents,
  ...queueEvents,
  ...schedulerEvents,
  ...routingEvents,
  ...deliveryEvents,
  ...reportingEvents,
  ...configEvents,
  ...recipientsEvents,
  ...transportEvents,
  ...gatewayEvents,
  ...dequeueEvents,
  ...namesEvents,
  ...supervisorEvents,
  ...controlEvents,
  ...transferEvents,
  ...doctorEvents,
  ...storageEvents,
  ...repairEvents,
} as const;

export type Catalogue = typeof catalogue;
