/** The name of a queued message: shard number, '-', the message's number in the shard in base 32 ('0-3k9f2a'). It names its shard. */
export type QueueId = string;

/** Makes the queue-id of a message of a shard. */
export function makeQueueId(shard: number, id: number): QueueId {
  return `${shard}-${id.toString(32)}`;
}

/** Takes a queue-id apart; undefined where the text is not one. */
export function parseQueueId(text: string): { shard: number; id: number } | undefined {
  const match = /^(\d{1,4})-([0-9a-v]{1,11})$/.exec(text);
  if (match === null) return undefined;
  return { shard: Number(match[1]), id: Number.parseInt(match[2] ?? '', 32) };
}
