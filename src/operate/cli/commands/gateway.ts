import type { Command } from 'commander';
import type { Settings } from '../../../settings/index.ts';
import type { GatewaySettings } from '../../../settings/gateways.ts';
import type { Host } from '../../../world/ports/host.ts';
import type { SecureShell } from '../../../world/ports/secure-shell.ts';
import type { GatewayFinding } from '../../gateway/check.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { plain } from '../text.ts';

interface Chosen {
  readonly settings: Settings;
  readonly gateway: GatewaySettings;
  readonly host: Host;
  readonly shell: SecureShell;
}

const SIGNS: Readonly<Record<GatewayFinding['result'], string>> = { well: 'well', bad: 'BAD', unknown: '?' };

/** The gateway that a command names, from the configuration; says what is missing otherwise. */
async function choose(session: CliSession, command: Command, name: string): Promise<Chosen | undefined> {
  const { io } = session;
  const fail = (code: number, text: string): undefined => {
    session.fail(code, text, command);
    return undefined;
  };
  const [host, shell] = await Promise.all([io.host?.(), io.shell?.()]);
  if (host === undefined || shell === undefined) return fail(exitCodes.failed, 'this program has no client of SSH');
  const path = await findConfigurationFile(io, globals(command).config);
  if (path === undefined) return fail(exitCodes.usage, noConfigurationText());
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { loaded } = await loadConfigurationFile(io.world.disk, path);
  if (!loaded.ok) return fail(exitCodes.negative, 'the configuration has errors; `ims config check` shows them');
  const { gateways } = loaded.settings;
  const gateway = Object.hasOwn(gateways, name) ? gateways[name] : undefined;
  const known = Object.keys(gateways).join(', ') || 'none';
  if (gateway === undefined) return fail(exitCodes.negative, `there is no gateway ${plain(name)}; there are: ${known}`);
  return { settings: loaded.settings, gateway, host, shell };
}

async function check(session: CliSession, command: Command, name: string): Promise<void> {
  const chosen = await choose(session, command, name);
  if (chosen === undefined) return;
  const { settings, gateway, host, shell } = chosen;
  const { findNameServers } = await import('../../doctor/parts.ts');
  const { createResolver } = await import('../../../transport/resolver/resolver.ts');
  const { checkGateway } = await import('../../gateway/check.ts');
  const { world } = session.io;
  const { servers } = await findNameServers(host, settings.names);
  const { zones } = settings.names;
  const bounds = { timeout: 2000, tries: 2, cacheMax: 100 };
  const resolver = createResolver({ world, servers, settings: bounds, ...(zones === undefined ? {} : { zones }) });
  const serverName = gateway.heloName ?? settings.server.name;
  const greetingName = gateway.heloName ?? settings.routing.heloName ?? settings.server.name;
  const { probe } = globals<{ probe?: string }>(command);
  const names = { serverName, greetingName, ...(probe === undefined ? {} : { probe }) };
  const findings = await checkGateway({ world, shell, resolver, ...names, settings: gateway });
  if (findings.some(({ result }) => result === 'bad')) session.code = exitCodes.negative;
  if (globals(command).json === true) return session.json({ gateway: name, findings });
  for (const { what, result, seen, cure } of findings) {
    const colour = result === 'well' ? 'green' : result === 'bad' ? 'red' : 'yellow';
    session.print(`${session.paint(colour, SIGNS[result].padEnd(5))} ${plain(what)}: ${plain(seen)}`);
    if (cure !== undefined) session.print(`      cure: ${plain(cure)}`);
  }
}

async function prepare(session: CliSession, command: Command, name: string): Promise<void> {
  const chosen = await choose(session, command, name);
  if (chosen === undefined) return;
  const { preparationText } = await import('../../gateway/prepare.ts');
  const { settings, gateway, shell } = chosen;
  const publicKey = gateway.key === undefined ? undefined : await shell.publicKey(gateway.key);
  if (gateway.key !== undefined && publicKey === undefined)
    return session.fail(exitCodes.negative, `${gateway.keyFile} holds no private key without passphrase`, command);
  const text = preparationText({ name, settings: gateway, publicKey, serverName: settings.server.name });
  if (globals(command).json === true) session.json({ gateway: name, text });
  else session.print(text);
}

/** gateway. */
export function gatewayCommands(root: Command, session: CliSession): void {
  const gateway = root
    .command('gateway')
    .description('hosts with OpenSSH on which we listen and from which mail leaves (gateways of the configuration)');
  gateway
    .command('check <name>')
    .description(
      'looks at the far side: log-in, host key, right to bind the ports, who holds them, firewall, PTR, listing',
    )
    .option(
      '--probe <domain>',
      'look also whether port 25 of the world is open from there: connects to the mail host of this domain, sends no mail',
    )
    .addHelpText(
      'after',
      '\nExample:\n  ims gateway check outside --probe example.net\n\nWorks while the service runs and while it does not. Exit code: 0 well, 1 something is not.',
    )
    .action((name: string, _options: unknown, command: Command) => check(session, command, name));
  gateway
    .command('prepare <name>')
    .description('prints the commands that set up the far side: user, key, sshd, ports below 1024')
    .addHelpText('after', '\nExample:\n  ims gateway prepare outside | ssh root@gateway.example.net sh')
    .action((name: string, _options: unknown, command: Command) => prepare(session, command, name));
}
