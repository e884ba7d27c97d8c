/**
 * The door of actions: everything an operator may do, once. The control socket, the administrator API and the console run
 * actions by name.
 * `runAction` promises to answer always: wrong input and every fault come back as a failure in words. It never reads
 * a socket or prints.
 */
import { Fault } from '../../events/fault.ts';
import type { ActionEnd, Stream } from '../control/server.ts';
import { nearest } from '../config/index.ts';
import { refused, type Action } from './action.ts';
import type { OperatorContext } from './context.ts';
import { conditions, conditionsLook, examination } from './conditions.ts';
import { consoleShow } from './console.ts';
import { policyExplain, routes } from './explain.ts';
import { eventsList, trace } from './look-back.ts';
import { metricsAction } from './metrics.ts';
import { introduce } from './introduce.ts';
import { mailboxList, mailboxShow } from './mailboxes.ts';
import { queueEnvelope, queuePart, queueTake } from './carry.ts';
import { transferOrder, transferShow } from './transfer.ts';
import { queueMovement } from './movement.ts';
import { dequeueList, dequeueNow } from './dequeue.ts';
import { outsideLook } from './outside.ts';
import { flushDomain, queueChanges } from './queue-change.ts';
import { queueList, queueShow } from './queue-look.ts';
import { configurationInForce, loggingLevels, reload, routeExplain, status, stop } from './service.ts';

export type * from './context.ts';
export { answerWorkerCalls, type WorkerCalls, type WorkerParts } from './worker-calls.ts';

/** Every action, by name. */
export const actions: ReadonlyMap<string, Action> = new Map(
  [
    status,
    queueList,
    queueShow,
    queueMovement,
    queueEnvelope,
    queuePart,
    queueTake,
    transferShow,
    transferOrder,
    ...queueChanges,
    flushDomain,
    trace,
    eventsList,
    mailboxList,
    mailboxShow,
    configurationInForce,
    reload,
    stop,
    loggingLevels,
    routeExplain,
    routes,
    policyExplain,
    introduce,
    dequeueList,
    dequeueNow,
    outsideLook,
    conditions,
    conditionsLook,
    examination,
    consoleShow,
    metricsAction,
  ].map((action) => [action.name, action] as const),
);

/** Runs an action by name. Never rejects. */
export async function runAction(
  context: OperatorContext,
  name: string,
  input: unknown,
  stream: Stream,
): Promise<ActionEnd> {
  const action = actions.get(name);
  if (action === undefined) {
    const near = nearest(name, actions.keys());
    return refused('usage', `there is no action '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
  }
  const parsed = action.input.safeParse(input);
  if (!parsed.success) {
    const said = parsed.error.issues.map(
      (issue) => `${issue.path.length === 0 ? 'input' : issue.path.join('.')}: ${issue.message}`,
    );
    return refused('usage', said.join('; '));
  }
  try {
    return await action.run(context, parsed.data, stream);
  } catch (error) {
    // The frontier of actions: a fault ends this action, not the operator process.
    const why = error instanceof Fault ? `${error.event} ${JSON.stringify(error.data)}` : String(error);
    context.journal.emit('control.action-failed', { action: name, why });
    return refused('failed', why);
  }
}
