import { X509Certificate } from 'node:crypto';
import type { Host } from '../../../world/ports/host.ts';
import { defineCheck } from '../check.ts';
import { changesClock, mappedLayers, systemPreload } from '../facts/preload.ts';
import { trustStore } from '../facts/trust-store.ts';
import { workersOf } from '../facts/service-identity.ts';
import {
  clockAheadMs,
  clockEarliestMs,
  clockLatestMs,
  rootsExpiredShare,
  rootsFutureShare,
  rootsLookedAt,
} from '../limits.ts';
import { healthy, row, unhealthy, type Evidence } from '../verdict.ts';

const show = (ms: number): string => {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'no date' : `${date.toISOString().slice(0, 19)}Z`;
};

/** The wall clock of the system itself: what a program sees may be another one. */
async function systemWallMs(host: Host): Promise<number | undefined> {
  const [stat, uptime, mounts] = await Promise.all([
    host.text('/proc/stat'),
    host.text('/proc/uptime'),
    host.text('/proc/self/mountinfo'),
  ]);
  // In some containers the time since the start is that of the container.
  if (!mounts.ok || mounts.value.includes('lxcfs')) return undefined;
  const booted = Number(/^btime (\d+)/m.exec(stat.ok ? stat.value : '')?.[1]);
  const up = Number.parseFloat(uptime.ok ? uptime.value : '');
  // Some sandboxes tell no time of the start.
  return booted > 0 && Number.isFinite(up) ? (booted + up) * 1000 : undefined;
}

/** A library that changes what time it is. */
async function clockLibrary(host: Host, pids: readonly (number | 'self')[]): Promise<string | undefined> {
  const named = (await systemPreload(host)).find(({ clock, path }) => clock && path !== undefined);
  if (named !== undefined) return `${named.library} of /etc/ld.so.preload`;
  for (const pid of pids) {
    const mapped = (await mappedLayers(host, pid))?.find(changesClock);
    if (mapped !== undefined) return `${mapped} in process ${pid}`;
  }
  return undefined;
}

/** What the certificates of the trust store say of a time: the public roots hardly all end, or begin, together. */
async function rootsAt(
  host: Host,
  nowMs: number,
): Promise<{ readonly total: number; readonly over: number; readonly early: number }> {
  const { pems } = await trustStore(host, rootsLookedAt);
  let [total, over, early] = [0, 0, 0];
  for (const pem of pems) {
    try {
      const { validFrom, validTo } = new X509Certificate(pem);
      total += 1;
      if (Date.parse(validTo) < nowMs) over += 1;
      if (Date.parse(validFrom) > nowMs) early += 1;
    } catch {}
  }
  return { total, over, early };
}

/** Certificates, expiry and retries depend on the time. */
export const clockPlausible = defineCheck({
  id: 'host.clock',
  number: 606,
  title: 'The clock is plausible',
  why: 'With a wrong clock certificates seem expired and mail is returned too early.',
  needs: ['settings', 'host', 'clock', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, clock, service }) {
    const now = clock.wall();
    const evidence: Evidence[] = [
      row('time of this host', `after ${show(clockEarliestMs)}, before ${show(clockLatestMs)}`, show(now)),
    ];
    const cure = { cure: 'timedatectl set-ntp true (or: chronyc makestep), then look with: date -u', event: 3351 };
    const library = await clockLibrary(host, ['self', ...(await workersOf({ service }))]);
    if (library !== undefined) evidence.push(row('libraries that change the clock', 'none', library));
    const system = await systemWallMs(host);
    if (system !== undefined) evidence.push(row('time of the system itself', show(now), show(system)));
    const roots = await rootsAt(host, now);
    evidence.push(
      row(
        'certificates of the trust store',
        'most of them valid now',
        `${roots.over} of ${roots.total} expired, ${roots.early} not yet valid`,
      ),
    );
    const because = library === undefined ? '' : ` It comes from ${library}.`;
    const fakes =
      library === undefined
        ? cure
        : {
            ...cure,
            cure: `Take ${library.split(' ')[0]} out of /etc/ld.so.preload or LD_PRELOAD, and start the service again`,
          };
    const apart =
      roots.over > 0
        ? ` ${roots.over} of ${roots.total} certificates of authorities look expired at once: not they are wrong.`
        : '';
    if (now < clockEarliestMs || now > clockLatestMs)
      return unhealthy(`The clock is wrong: it says ${show(now)}, which cannot be.${apart}${because}`, fakes, evidence);
    if (system !== undefined && Math.abs(system - now) > clockAheadMs)
      return unhealthy(
        `The clock that this program sees (${show(now)}) is not the clock of the system (${show(system)}).${because}`,
        fakes,
        evidence,
      );
    if (roots.total >= 20 && roots.over > roots.total * rootsExpiredShare)
      return unhealthy(`The clock is ahead: it says ${show(now)}.${apart}${because}`, fakes, evidence);
    if (roots.total >= 20 && roots.early > roots.total * rootsFutureShare)
      return unhealthy(
        `The clock is behind: it says ${show(now)}, and ${roots.early} of ${roots.total} certificates of authorities are not yet valid.${because}`,
        fakes,
        evidence,
      );
    for (const path of [
      `${settings.server.data}/events`,
      `${settings.server.data}/queue`,
      settings.server.data,
      '/etc/resolv.conf',
      '/var/log',
    ]) {
      const file = await host.file(path);
      if (!file.ok) continue;
      evidence.push(row(`changed: ${path}`, 'not after now', show(file.value.modifiedMs)));
      if (file.value.modifiedMs > now + clockAheadMs)
        return unhealthy(
          `The clock is behind: ${path} was changed at ${show(file.value.modifiedMs)}, after its now (${show(now)}).${because}`,
          fakes,
          evidence,
        );
    }
    return healthy(evidence);
  },
});
