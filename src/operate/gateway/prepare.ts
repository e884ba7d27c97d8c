import { takeOverForcedCommand } from '../../transport/gateway/take-over.ts';
import type { GatewaySettings } from '../../settings/gateways.ts';

/** What the commands for a gateway are made from. */
export interface Preparation {
  readonly name: string;
  readonly settings: GatewaySettings;
  /** 'ssh-ed25519 AAAA...' of our key; undefined where there is none yet. */
  readonly publicKey: string | undefined;
  readonly serverName: string;
}

/** The line of authorized_keys for our key: it forwards, and runs nothing but the command that ends an old session of ours. */
export function authorizedKey({ settings, publicKey, serverName }: Preparation): string {
  const listen = [...new Set(settings.listen.map(({ port }) => port))].map((port) => `permitlisten="${port}"`);
  const options = ['restrict', 'port-forwarding', ...listen, `command="${takeOverForcedCommand()}"`];
  return `${options.join(',')} ${publicKey ?? 'PUBLIC-KEY'} ims@${serverName}`;
}

/** What sshd must allow that user. */
export function sshdLines({ settings }: Preparation): readonly string[] {
  const ports = [...new Set(settings.listen.map(({ port }) => port))];
  return [
    `Match User ${settings.user}`,
    '    AllowTcpForwarding yes',
    '    GatewayPorts clientspecified',
    ...(ports.length === 0 ? [] : [`    PermitListen ${ports.join(' ')}`]),
    '    X11Forwarding no',
    '    AllowAgentForwarding no',
    '    PermitTTY no',
    '    ClientAliveInterval 15',
    '    ClientAliveCountMax 3',
  ];
}

/** Open files that sshd needs for a session which is full, both ways, and what it has besides. */
export function nofileFor({ connectionsMax, listen }: Pick<GatewaySettings, 'connectionsMax' | 'listen'>): number {
  return Math.max(4096, 2 * (connectionsMax + listen.length) + 256);
}

/** The commands for the far side, to be run there as root, in a shell as they are. */
export function preparationText(preparation: Preparation): string {
  const { name, settings, publicKey } = preparation;
  const { user, listen, keyFile, host } = settings;
  const home = `/var/lib/${user}`;
  const low = listen.filter(({ port }) => port < 1024).map(({ port }) => port);
  const first = low.length === 0 ? 1024 : Math.min(...low);
  return [
    ...(publicKey === undefined
      ? [
          '# There is no key yet. On this host, as root:',
          `ssh-keygen -t ed25519 -N '' -f ${keyFile}`,
          '# Then print this again: it will have the key instead of PUBLIC-KEY.',
          '',
        ]
      : []),
    `# On the gateway ${name} (${host}), as root:`,
    '',
    '# 1. A user that is for this alone, without a password.',
    `id ${user} >/dev/null 2>&1 || useradd --system --create-home --home-dir ${home} --shell /bin/sh ${user}`,
    '',
    '# 2. Our key. It may forward ports and run one command, which ends an old session of this user that still holds a port.',
    `install -d -m 700 -o ${user} -g ${user} ${home}/.ssh`,
    `cat > ${home}/.ssh/authorized_keys <<'END'`,
    authorizedKey(preparation),
    'END',
    `chown ${user}: ${home}/.ssh/authorized_keys && chmod 600 ${home}/.ssh/authorized_keys`,
    '',
    '# 3. What sshd allows that user.',
    "cat > /etc/ssh/sshd_config.d/50-ims-gateway.conf <<'END'",
    ...sshdLines(preparation),
    'END',
    'sshd -t && systemctl reload ssh',
    '',
    ...(low.length === 0
      ? []
      : [
          `# 4. Ports from ${first} on may be bound by ordinary users.`,
          `echo 'net.ipv4.ip_unprivileged_port_start = ${first}' > /etc/sysctl.d/50-ims-gateway.conf && sysctl --system >/dev/null`,
          '',
        ]),
    ...(listen.length === 0
      ? []
      : [
          '# 5. Nobody else may hold the ports; this must print nothing. A mail server there: systemctl disable --now postfix',
          ...listen.map(({ port }) => `ss -Hltnp 'sport = :${port}'`),
          '',
          '# 6. The firewall of the host and of its provider must let them in.',
          ...listen.map(
            ({ port }) => `# ufw allow ${port}/tcp    or    nft add rule inet filter input tcp dport ${port} accept`,
          ),
          '',
        ]),
    '# 7. Every connection through the gateway is an open file of sshd, which has 1024 unless told otherwise.',
    'mkdir -p /etc/systemd/system/ssh.service.d',
    `printf '[Service]\\nLimitNOFILE=%s\\n' ${nofileFor(settings)} > /etc/systemd/system/ssh.service.d/50-ims-gateway.conf`,
    'systemctl daemon-reload && systemctl restart ssh    # open sessions stay',
    '',
    '# 8. The fingerprint for hostKey of this gateway in the configuration:',
    'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    '',
    `# Then, on this host: ims config check, ims reload, ims gateway check ${name}`,
  ].join('\n');
}
