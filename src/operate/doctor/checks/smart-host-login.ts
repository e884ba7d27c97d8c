import { type HostFailure, openConnection } from '../../../flow/delivery/smtp/connection.ts';
import { printReply } from '../../../mail/reply.ts';
import { defineCheck, type Parts } from '../check.ts';
import { addressesOf, connectingResolver, dialAny, smartHostsOf, type SmartHost } from '../facts/smart-host-way.ts';
import { showPlace } from '../facts/usage.ts';
import { checkMsMax, farDialMs, loginEveryMs, replyMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

/** What became of one login. */
type Tried =
  | { readonly kind: 'taken' }
  | { readonly kind: 'wrong'; readonly why: string; readonly cure: string }
  /** It says nothing of the login: the host was not reached, or asks for patience. */
  | { readonly kind: 'unsure'; readonly why: string };

const TLS = { none: 'never', opportunistic: 'offered', required: 'needed', verified: 'needed' } as const;
/** Replies that ask for TLS and not for another password (RFC 4954 §6, RFC 3207 §4). */
const WANTS_TLS =
  /\b538\b|\b5\.7\.11\b|must issue a? ?starttls|encryption (?:is )?(?:required|needed)|(?:requires?|need) (?:tls|starttls|ssl|encryption)/i;

/** What a session that did not open tells of the login. */
function judge(failure: HostFailure, { name, group }: SmartHost): Tried {
  const where = `routing.smartHosts.${name}`;
  if (failure.kind === 'auth-missing')
    return {
      kind: 'wrong',
      why: `offers no login that this service may use: no mechanism that it knows, or only without TLS (tls: ${group.tls})`,
      cure: `Set ${where}.tls: required, or ask its operator which mechanisms it offers`,
    };
  if (failure.kind === 'refused' && failure.command === 'AUTH') {
    const said = printReply(failure.reply);
    if (failure.reply.code < 500) return { kind: 'unsure', why: `it takes no login for the time being: ${said}` };
    return WANTS_TLS.test(said)
      ? {
          kind: 'wrong',
          why: `demands TLS before a login: '${said}'`,
          cure: `Set ${where}.tls: required, then: ims reload`,
        }
      : {
          kind: 'wrong',
          why: `refuses our login as ${group.login?.user ?? ''}: '${said}'`,
          cure: `Set user and password anew (${where}.login.user, .passwordFile), then: ims reload; some hosts want a password of its own for programs`,
        };
  }
  if ('phase' in failure && failure.phase === 'auth')
    return failure.kind === 'timed-out'
      ? {
          kind: 'wrong',
          why: `does not answer our login within ${replyMs / 1000} s: what it asks about passwords hangs`,
          cure: 'Tell its operator; its log at this time shows what it waits for',
        }
      : { kind: 'unsure', why: `it ended the connection at our login (${failure.kind})` };
  return { kind: 'unsure', why: `no session: ${'why' in failure ? failure.why : failure.kind}` };
}

/** Opens a session as a delivery does, up to where a message would follow, and ends it. */
async function tryLogin(
  one: SmartHost,
  parts: Pick<Parts, 'settings' | 'network' | 'clock' | 'resolver'>,
): Promise<Tried> {
  const { group, host, way } = one;
  const { settings, clock } = parts;
  const found = await addressesOf({ host: host.host, way }, parts.resolver);
  const [address] = 'failure' in found ? [] : found;
  if ('failure' in found || address === undefined) return { kind: 'unsure', why: 'its address cannot be looked up' };
  const target = { name: host.host, address, port: address.startsWith('/') ? 0 : host.port };
  const end = await openConnection({
    world: { clock },
    dialer: { dial: () => dialAny(way, target, found, parts) },
    timeouts: { ...settings.delivery.timeouts, connect: farDialMs, greeting: replyMs, mail: replyMs },
    target,
    client: {
      protocol: group.protocol,
      greetingName: group.heloName ?? settings.routing.heloName ?? settings.server.name,
      tls: group.tls === 'implicit' ? 'established' : TLS[group.tls],
      helo: false,
      clearLogin: group.tls === 'none',
      ...(group.login === undefined ? {} : { login: { user: group.login.user, password: group.login.password ?? '' } }),
    },
    way: { ways: [] },
    verify: group.tls === 'verified' || group.tls === 'implicit',
    gone: () => undefined,
  });
  if ('kind' in end) return judge(end, one);
  end.quit();
  return { kind: 'taken' };
}

/** What a host says of our login is known before the first mail waits for it. */
export const loginsTaken = defineCheck({
  id: 'ways.smart-host-login',
  number: 807,
  title: 'Smart hosts take our login',
  why: 'A password that was changed or has expired is found when mail waits already. The service tries it at its start, after a change, and once in an hour at the most, since hosts count logins that fail.',
  needs: ['settings', 'host', 'resolver', 'network', 'clock'],
  after: ['ways.smart-hosts', 'ways.logins'],
  cost: 'network',
  deadlineMs: checkMsMax,
  everyMs: loginEveryMs,
  async look(parts) {
    const { settings } = parts;
    const withLogin = Object.values(settings.routing.smartHosts).filter(({ login }) => login !== undefined);
    if (withLogin.length === 0) return notApplicable('no smart host needs a login');
    const all = smartHostsOf(settings).filter(({ group }) => group.login !== undefined);
    if (all.length === 0) return unknown('all of them are reached through gateways, which this check does not try');
    const world = { ...parts, resolver: connectingResolver(parts) };
    const ends = await Promise.all(all.map(async (one) => ({ one, tried: await tryLogin(one, world) })));
    const evidence = ends.map(({ one, tried }) =>
      row(
        `login as ${one.group.login?.user ?? ''} at ${showPlace(one.host.host, one.host.port)} (${one.name})`,
        'taken',
        tried.kind === 'taken' ? 'taken' : tried.why,
      ),
    );
    for (const { one, tried } of ends)
      if (tried.kind === 'wrong')
        return unhealthy(
          `${one.host.host} port ${one.host.port} of routing.smartHosts.${one.name} ${tried.why}. Mail to it waits.`,
          { cure: tried.cure, event: 3451 },
          evidence,
        );
    const unsure = ends.find(({ tried }) => tried.kind === 'unsure');
    return unsure?.tried.kind === 'unsure'
      ? unknown(`a login could not be tried: ${unsure.tried.why}`, evidence)
      : healthy(evidence);
  },
});
