import { z } from 'zod';

/** How the service stands to the network of its host. */
export const networkSettings = z.strictObject({
  interposer: z
    .enum(['avoid', 'allow'])
    .default('avoid')
    .describe(
      'What to do under a proxy client that LD_PRELOAD puts between the service and its sockets (proxychains, socksify, tsocks): avoid = start again without it and say so (event 3792); allow = stay under it (event 3793), and name it where it breaks listeners (4007) or look-ups (4003). One of /etc/ld.so.preload stays in either case. Variables such as ALL_PROXY are never obeyed: see routing.proxies.',
    )
    .meta({ reload: 'restart' }),
});
export type NetworkSettings = z.infer<typeof networkSettings>;
