import type { Answers } from './answers.ts';

/** What a unit is written from. */
export interface UnitFacts {
  readonly answers: Pick<Answers, 'user' | 'data'>;
  /** Full paths. */
  readonly program: string;
  readonly configuration: string;
}

/** In a unit '%' begins a specifier, and words with spaces are quoted. */
const word = (text: string): string => {
  const escaped = text.replaceAll('%', '%%');
  return /[\s"'\\]/.test(escaped) ? `"${escaped.replace(/["\\]/g, '\\$&')}"` : escaped;
};

/**
 * The text of a unit of systemd for this service. It starts as root, which binds the ports, reads a key that only root may read, and then works
 * as `server.user`; the rights of root that this takes are all that it has.
 */
export function unitText({ answers, program, configuration }: UnitFacts): string {
  const lines = [
    '# Made by `ims setup --systemd`. Install it as /etc/systemd/system/ims.service, then:',
    '# systemctl daemon-reload && systemctl enable --now ims',
    '[Unit]',
    'Description=Internet Mail Service',
    'After=network-online.target nss-lookup.target time-sync.target',
    'Wants=network-online.target',
    `RequiresMountsFor=${word(answers.data)}`,
    '',
    '[Service]',
    'Type=notify',
    'NotifyAccess=all',
    `ExecStart=${word(program)} run --config ${word(configuration)}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    'Restart=always',
    'RestartSec=2s',
    'WatchdogSec=30s',
    'TimeoutStartSec=60s',
    'TimeoutStopSec=30s',
    'KillMode=mixed',
    'UMask=0077',
    'LimitNOFILE=65536',
    'LimitAS=infinity',
    'LimitCORE=0',
    'NoNewPrivileges=yes',
    ...(answers.user === undefined
      ? []
      : [
          '# Ports below 1024, the key, and files that become those of the service user.',
          'CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_KILL',
        ]),
    'ProtectSystem=full',
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'ProtectControlGroups=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'LockPersonality=yes',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ];
  return `${lines.join('\n')}\n`;
}
