import type { Command } from 'commander';
import type { ConsoleLook } from '../../actions/context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type CliSession, globals } from '../session.ts';

/** Where the console is, for a browser on this host and on another. */
function wayThere(place: string): readonly string[] {
  if (place.startsWith('/'))
    return [
      `The console is at the socket ${place}`,
      `From another computer: ssh -L 8026:${place} this-host, then open http://127.0.0.1:8026/`,
      `Programs: curl --unix-socket ${place} -H "Authorization: Bearer $(ims console --token)" http://localhost/api`,
    ];
  return [
    `The console is at http://${place}/`,
    `From another computer: ssh -L 8026:${place} this-host, then open http://127.0.0.1:8026/`,
    `Programs: curl -H "Authorization: Bearer $(ims console --token)" http://${place}/api`,
  ];
}

async function show(session: CliSession, command: Command): Promise<void> {
  const { token: wantsToken, json } = globals<{ token?: boolean }>(command);
  const look = await session.ask<ConsoleLook>(command, 'console.show', {});
  if (look === undefined) return;
  const { place, served, why, token, tokenFile } = look;
  if (place === undefined)
    return session.fail(
      exitCodes.negative,
      'No console: set server.console to a place such as 127.0.0.1:8026, then ims reload.',
      command,
    );
  if (wantsToken === true) {
    if (token === undefined)
      return session.fail(
        exitCodes.negative,
        `There is no token yet: ${why ?? 'the console is being opened'}.`,
        command,
      );
    return json === true ? session.json({ token }) : session.print(token);
  }
  if (!served) session.code = exitCodes.negative;
  const { token: _, ...open } = look;
  if (json === true) return session.json(open);
  if (!served) session.print(session.paint('yellow', `It is not served: ${why ?? 'it is being opened'}.`));
  for (const line of wayThere(place)) session.print(line);
  session.print('Log in with the token that `ims console --token` prints.');
  if (tokenFile !== undefined)
    session.print(`It is kept in ${tokenFile}: remove that file and run ims reload to have another.`);
}

/** console. */
export function consoleCommands(root: Command, session: CliSession): void {
  root
    .command('console')
    .description('where the console and the administrator API are, and how to log in')
    .option('--token', 'print the token, and nothing else')
    .addHelpText('after', '\nExamples:\n  ims console\n  ims console --token')
    .action((_options: unknown, command: Command) => show(session, command));
}
