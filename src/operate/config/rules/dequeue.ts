import { isDomain, isIp } from '../addresses.ts';
import type { Finding } from '../problem.ts';
import { doubtful, type Rule, wrong } from './rule.ts';

/** Names and hosts of what holds mail for us. */
export const dequeueEntries: Rule = ({ dequeue }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, { command, host, before, at }] of Object.entries(dequeue)) {
    const path = ['dequeue', name];
    if (broken(path)) continue;
    for (const [i, time] of (at ?? []).entries())
      if (!/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(time))
        out.push(wrong([...path, 'at', i], 'is no time of day', { value: time, allowed: "a time such as '06:30'" }));
    if (!/^[\w.-]{1,64}$/.test(name))
      out.push(wrong(path, 'cannot be the name of an entry', { at: 'key', allowed: "letters, digits, '-', '_', '.'" }));
    if (command === 'none') {
      if (before === undefined) out.push(wrong(path, "does nothing: 'command: none' needs a program 'before'"));
    } else if (host === undefined) out.push(wrong(path, "has no 'host' that is to be asked", { at: 'key' }));
    else if (!isIp(host) && !isDomain(host)) {
      const allowed = 'mail.provider.example; the port has a key of its own';
      out.push(wrong([...path, 'host'], 'is neither a host name nor an IP address', { value: host, allowed }));
    }
  }
  return out;
};

/** What is asked for is ours. */
export const dequeueDomains: Rule = ({ dequeue, domains, routing }, { broken }) => {
  const ours = new Set([...Object.keys(domains), ...routing.relayDomains].map((name) => name.toLowerCase()));
  const out: Finding[] = [];
  for (const [name, { command, domains: asked }] of Object.entries(dequeue)) {
    if (broken(['dequeue', name])) continue;
    for (const [i, text] of (asked ?? []).entries()) {
      const path = ['dequeue', name, 'domains', i];
      const bare = text.startsWith('@') ? text.slice(1) : text;
      if (text.startsWith('#') && command !== 'atrn' && /^#[\x21-\x7e]+$/.test(text)) continue;
      if (!isDomain(bare) || (command === 'atrn' && bare !== text)) {
        const allowed =
          command === 'atrn' ? 'domains, each by its own name' : "'example.com', '@example.com', '#queue'";
        out.push(wrong(path, 'cannot be asked for', { value: text, allowed }));
      } else if (!ours.has(bare.toLowerCase()))
        out.push(doubtful(path, 'is no domain of ours: its mail would be refused', { value: text }));
    }
  }
  return out;
};

/** ATRN is for those who have logged in (RFC 2645 §5.1.1), and a password has one place. */
export const dequeueLogins: Rule = ({ dequeue }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, { command, login }] of Object.entries(dequeue)) {
    const path = ['dequeue', name];
    if (broken(path)) continue;
    if (login === undefined) {
      if (command === 'atrn') out.push(wrong(path, "has no 'login', which atrn demands (RFC 2645 §5.1.1)"));
      continue;
    }
    const at = [...path, 'login'];
    if (login.password === undefined && login.passwordFile === undefined)
      out.push(wrong(at, "has neither 'password' nor 'passwordFile'", { at: 'key' }));
    if (login.password !== undefined && login.passwordFile !== undefined)
      out.push(wrong([...at, 'passwordFile'], "is given besides 'password'; keep one of them", { at: 'key' }));
  }
  return out;
};

/** Without a shell nobody looks for a program. */
export const dequeuePrograms: Rule = ({ dequeue }, { broken }) =>
  Object.entries(dequeue).flatMap(([name, entry]) =>
    (['before', 'after'] as const).flatMap((when) => {
      const path = ['dequeue', name, when, 'command'];
      const program = broken(path) ? undefined : entry[when]?.command[0];
      if (program === undefined || program.startsWith('/')) return [];
      const more = { value: program, allowed: 'an absolute path such as /usr/local/sbin/dial' };
      return [wrong([...path, 0], 'is no absolute path', more)];
    }),
  );
