import { z } from 'zod';
import { duration } from './units.ts';

/** One listener: an address, a port, and how sessions there behave. */
export const listenerSettings = z.strictObject({
  profile: z
    .enum(['mx', 'submission', 'lmtp'])
    .describe(
      'mx: mail from other servers; submission: mail from our users, login required; lmtp: mail from a local server, one reply per recipient.',
    )
    .meta({ reload: 'restart', rfc: '2033' }),
  address: z
    .union([z.string(), z.array(z.string()).min(1).max(64)])
    .default(['0.0.0.0', '::'])
    .describe(
      'One or more IP addresses; for lmtp also the path of a UNIX socket. 0.0.0.0 is every IPv4 address, :: every IPv6 address.',
    )
    .meta({ reload: 'restart' }),
  port: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(25)
    .describe('TCP port; 0 lets the system choose.')
    .meta({ reload: 'restart' }),
  tls: z
    .enum(['none', 'starttls', 'implicit', 'required'])
    .default('starttls')
    .describe(
      'starttls: offered; required: nothing but STARTTLS before it; implicit: from the first octet; none: not offered.',
    )
    .meta({ rfc: '8314 §3' }),
  greetingDelay: z
    .boolean()
    .default(false)
    .describe('Waits a moment before the banner and refuses clients that talk first.'),
  xclient: z
    .array(z.string())
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'Addresses and networks of hosts that may say for which client they speak, and which account it has logged in with (XCLIENT, XFORWARD of Postfix): a filter or front server of your own. Such a host is never counted, blocked or judged as a client itself.',
    )
    .meta({ example: ['10.0.0.6'] }),
  proxyProtocol: z
    .strictObject({
      trusted: z
        .array(z.string())
        .min(1)
        .max(1000)
        .describe(
          'Addresses and networks of the proxies. Their connections must begin with a PROXY header, and count as those of the client that it names; from other addresses such a header is refused.',
        )
        .meta({ example: ['10.0.0.5', '2001:db8::/64'] }),
      timeout: duration({ min: 1000, max: 300_000 })
        .default(5000)
        .describe('A connection whose header is not there by then is closed.'),
      tls: z
        .enum(['noted', 'counts'])
        .default('noted')
        .describe(
          "What TLS of the client with the proxy is worth, where the header tells of it (version 2, as HAProxy's send-proxy-v2-ssl). noted: it stands in the Received field; counts: it also satisfies tls: required and lets passwords be said, so the way from the proxy to here must be safe: on this host, in a private network, or under TLS of its own.",
        )
        .meta({ rfc: '8314 §3' }),
    })
    .optional()
    .describe(
      'For a listener behind HAProxy, nginx, Envoy or a load balancer that sends PROXY headers (version 1 or 2), before TLS and the banner.',
    ),
});
/** The section `listeners`: what listens where, and for whom. */
export const listenersSettings = z
  .record(
    z.string(),
    listenerSettings
      .describe('One listener: addresses, a port, and how sessions there behave.')
      .meta({ reload: 'restart' }),
  )
  .describe(
    'Where connections are accepted. Each listener has a name of your choice, which events and `ims status` show.',
  )
  .meta({ reload: 'restart' });
export type ListenerSettings = z.infer<typeof listenerSettings>;
export type ListenersSettings = z.infer<typeof listenersSettings>;
