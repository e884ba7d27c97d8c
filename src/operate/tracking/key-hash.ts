/** What a message is found by. */
export type SearchKey = string;

/** The key of a queue-id, a message-id (without brackets) or an address. Addresses compare without case, so that a search is easy. */
export function searchKey(kind: 'queueId' | 'messageId' | 'address', value: string): SearchKey {
  switch (kind) {
    case 'queueId':
      return `q${value}`;
    case 'messageId':
      return `m${value.replace(/^<|>$/g, '')}`;
    case 'address':
      return `a${value.replace(/^<|>$/g, '').toLowerCase()}`;
  }
}

/** FNV-1a over the UTF-16 units of a key: 32 bits that the index keeps; a hit is always compared with the line itself. */
export function hashKey(key: SearchKey): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Octets of one index entry: hash and offset, 32 bits each, little endian. */
export const INDEX_ENTRY_BYTES = 8;
