/** `npm start`: a complete service on loopback, with a demonstration domain that is made at the first start. */
import { demonstration, demonstrationDomain, demonstrationMailboxes } from '../operate/config/index.ts';
import type { ForkedChildren } from '../world/node/children.ts';
import type { Settings } from '../settings/index.ts';
import { hashPassword } from '../world/node/passwords.ts';
import { nodeWorld } from '../world/node/world.ts';
import type { ListenerState } from './messages.ts';
import { run } from './run.ts';

const DIRECTORY = 'data';
const PASSWORD_OCTETS = 12;

interface Passwords {
  readonly alice: string;
  readonly bob: string;
}

/** Makes the demonstration where it is missing, runs it, and says what to try. Resolves with the exit code. */
export async function runDemonstration(children: ForkedChildren): Promise<number> {
  const { disk } = nodeWorld;
  const directory = `${process.cwd()}/${DIRECTORY}`;
  const files = { configuration: `${directory}/ims.yaml`, passwords: `${directory}/demo-passwords` };
  if ((await disk.entry(files.configuration)) === undefined) await makeDemonstration(directory, files);
  const passwords = await readPasswords(files.passwords);
  return run({
    configurationPath: files.configuration,
    children,
    onStarted: (settings, { listeners }) => {
      if (passwords !== undefined) process.stdout.write(whatToTry(settings.server, passwords, listeners));
    },
  });
}

async function makeDemonstration(
  directory: string,
  files: { configuration: string; passwords: string },
): Promise<void> {
  const { disk, random } = nodeWorld;
  const make = (): string => random.bytes(PASSWORD_OCTETS).toString('base64url');
  const passwords: Passwords = { alice: make(), bob: make() };
  const hashes = { alice: await hashPassword(passwords.alice), bob: await hashPassword(passwords.bob) };
  await disk.makeDirectory(directory);
  const lines = demonstrationMailboxes.map((name) => `${name}@${demonstrationDomain} ${passwords[name]}\n`);
  await disk.replaceFile(files.passwords, lines.join(''), 0o600);
  await disk.replaceFile(files.configuration, demonstration({ dataDirectory: directory, passwords: hashes }), 0o600);
}

async function readPasswords(path: string): Promise<Passwords | undefined> {
  const text = await nodeWorld.disk.readFile(path).then(String, () => '');
  const found = new Map(text.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1]] as const));
  const alice = found.get(`alice@${demonstrationDomain}`);
  const bob = found.get(`bob@${demonstrationDomain}`);
  return alice === undefined || bob === undefined ? undefined : { alice, bob };
}

/** What a listener is for, for somebody who meets it first. */
const PURPOSES: Readonly<Record<string, string>> = {
  mx: 'mail from other servers',
  submission: 'mail from your programs, with a login',
  lmtp: 'mail from a local server (LMTP)',
};

function lineOf({ profile, tls, address, port, problem }: ListenerState): string {
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const security = tls === 'implicit' ? 'TLS' : tls === 'starttls' ? 'STARTTLS' : 'no TLS';
  const state = problem === undefined ? '' : `   NOT BOUND (${problem}); tried again until it can be`;
  return `    ${place.padEnd(17)} ${(PURPOSES[profile] ?? profile).padEnd(38)} ${security}${state}\n`;
}

/** A console at a socket is nothing for a browser. */
function consoleLine(place = '/'): string {
  if (place.startsWith('/')) return '';
  return `    http://${place}/   the console in a browser; its token: npm run ims -- console --token\n`;
}

function whatToTry(
  { data, console: place }: Settings['server'],
  passwords: Passwords,
  listeners: readonly ListenerState[],
): string {
  const failed = listeners.filter(({ state }) => state === 'failed').length;
  return `
  A mail service for ${demonstrationDomain} runs on this machine only.

    alice@${demonstrationDomain}   password ${passwords.alice}
    bob@${demonstrationDomain}     password ${passwords.bob}

${listeners.map(lineOf).join('')}
${consoleLine(place)}
    data in ${data}

  Degraded: the certificate is self-signed${failed === 0 ? '' : `, and ${failed} listeners are not bound`}; nobody outside can reach this demonstration.

  Try, in a second terminal:

    npm run ims -- send --to alice@${demonstrationDomain} --subject hello     a first message, with its dialogue
    npm run ims -- mailbox show alice@${demonstrationDomain}                  read it
    npm run ims -- trace alice@${demonstrationDomain}                         its life, step by step
    npm run ims -- status                                          what runs, and what does not

  Ctrl-C stops it.

`;
}
