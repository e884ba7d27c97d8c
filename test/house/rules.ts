/** The floors of the house, lowest first; each with the folders that stand on it. A file imports from its own floor and lower ones. */
export const floors: ReadonlyArray<readonly string[]> = [
  ['src/base'],
  ['src/mail'],
  ['src/events'],
  ['src/world/ports', 'src/world/world.ts'],
  ['src/world/node', 'src/world/sim'],
  ['src/protocol'],
  ['src/authentication'],
  ['src/settings'],
  ['src/transport'],
  ['src/flow'],
  ['src/operate'],
  ['src/service'],
];

/** Doors that are narrower than the floors: who may not import what, and why. */
export const closedDoors: ReadonlyArray<{ from: string; to: string; except?: readonly string[]; why: string }> = [
  {
    from: 'src/',
    to: 'src/world/node',
    except: ['src/world/node', 'src/service'],
    why: 'only service joins the real world with the rest',
  },
  { from: 'src/', to: 'src/world/sim', except: ['src/world/sim'], why: 'the simulated world is for tests' },
  { from: 'src/protocol', to: 'src/events', why: 'a standard knows no events' },
  {
    from: 'src/protocol',
    to: 'src/world',
    except: ['src/protocol/dns'],
    why: 'a standard touches nothing: bytes in, effects out',
  },
  { from: 'src/mail', to: 'src/world', why: 'a noun touches nothing' },
];

/** Who in the hall may import whom. `types` means type-only imports. */
export const hall: Readonly<Record<string, Readonly<Record<string, { what: 'all' | 'types'; why: string }>>>> = {
  reception: {
    policy: { what: 'all', why: 'asks whether we want a transaction' },
    preparation: { what: 'all', why: 'asks what is added to the mail data' },
    recipients: { what: 'types', why: 'carries the verified recipients from policy to the envelope' },
    queue: { what: 'types', why: 'streams the mail data into the draft that it was given' },
  },
  policy: { recipients: { what: 'all', why: 'asks who a recipient is before it is wanted' } },
  preparation: {
    recipients: { what: 'all', why: 'rewrites addresses as the directories say' },
    queue: { what: 'types', why: 'returns edits of a draft' },
    routing: { what: 'types', why: 'asks the router that it was given which recipients share a next hop' },
  },
  recipients: { routing: { what: 'types', why: 'names the local delivery of a mailbox' } },
  routing: { recipients: { what: 'types', why: 'asks the directories that it was given' } },
  scheduler: {
    queue: { what: 'all', why: 'claims and records' },
    routing: { what: 'all', why: 'asks where' },
    delivery: { what: 'all', why: 'orders an attempt' },
    reporting: { what: 'all', why: 'asks for the DSN that is owed' },
  },
  delivery: {
    queue: { what: 'types', why: 'delivers the content of a claim' },
    routing: { what: 'types', why: 'follows the route that it was given' },
    recipients: { what: 'types', why: 'asks the directory that it was given where a local mailbox is kept' },
  },
  reporting: { queue: { what: 'all', why: 'enters DSNs by the front door' } },
  dequeue: { routing: { what: 'all', why: 'takes the ways that mail takes' } },
};

/** Modules of Node that touch the outside, and so belong to world/node and service. */
export const outsideModules: ReadonlySet<string> = new Set(
  'net tls fs fs/promises dns dns/promises dgram http https http2 child_process cluster worker_threads os process timers timers/promises readline readline/promises perf_hooks v8 vm events stream stream/promises'
    .split(' ')
    .map((name) => `node:${name}`),
);

/** What those modules have that touches nothing. */
export const pureNames: Readonly<Record<string, readonly string[]>> = {
  'node:net': ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'],
};

/** What a test beside the code may use of them: transcripts and vectors are files. */
export const testNames: Readonly<Record<string, readonly string[]>> = { 'node:fs': ['readFileSync', 'readdirSync'] };

/** Where the outside may be touched. */
export const outsideAllowed: readonly string[] = ['src/world/node/', 'src/service/'];

/** Calls that reach outside without an import. */
export const outsideCalls: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  [/\bDate\.now\b/g, 'clock.wall()'],
  [/\bnew Date\(\s*\)/g, 'clock.wall()'],
  [/\bperformance\.now\b/g, 'clock.now()'],
  [/(?<![.\w])(?:setTimeout|setInterval)\b/g, 'clock.after()'],
  [/(?<![.\w])setImmediate\b/g, 'clock.soon()'],
  [/\bMath\.random\b|\brandom(?:Bytes|UUID|Int|FillSync)\b/g, 'the random port'],
  [
    /(?<![.\w])process\.(?:argv|cwd|emit|env|exit|exitCode|hrtime|kill|memoryUsage|nextTick|off|on|once|pid|ppid|send|setuid|std(?:in|out|err)|uptime)\b/g,
    'a port or a setting',
  ],
  [/(?<![.\w])console\.\w+/g, 'the journal'],
  [/(?<![.\w])fetch\(/g, 'the network port'],
];

/** Words that say nothing, or that have a better one in the glossary. */
export const bannedWords: ReadonlyMap<string, string> = new Map([
  ...['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'handler', 'processor'].map(
    (word) => [word, 'says nothing about what it does'] as const,
  ),
  ['email', 'say message, mail data or mailbox'],
  ['payload', 'say content or data'],
  ['job', 'say delivery or attempt'],
]);

/** Names of others, and terms of standards, in which a banned word stands rightly. */
export const allowedNames: ReadonlySet<string> = new Set([
  'commonName',
  // The package ssh2 calls it so.
  'authHandler',
  // RFC 6891 §6.2.3 calls it so.
  'udpPayloadSize',
  // sd_notify(3) calls systemd so.
  'serviceManager',
  'ServiceManager',
  'service-manager',
]);

/** A file must not be longer. */
export const linesMax = 400;

/** Files that no other source imports, and why they live. */
export const entries: ReadonlyArray<{ readonly path: string; readonly why: string }> = [
  { path: 'src/service/main.ts', why: 'the program' },
  { path: 'src/service/child.ts', why: 'the program of workers and the operator' },
  { path: 'src/events/reference.ts', why: 'scripts/generate.mjs writes the reference of events from it' },
];
