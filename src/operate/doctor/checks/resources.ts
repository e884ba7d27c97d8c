import { defineCheck } from '../check.ts';
import { limitedProcesses } from '../facts/service-identity.ts';
import { addressSpaceMin, dataSizeMin, fileSizeMin, stackSizeMin } from '../limits.ts';
import { healthy, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

const limitOf = (limits: string, name: string): number => {
  const line = limits.split('\n').find((one) => one.startsWith(name));
  const soft = line?.slice(name.length).trim().split(/\s+/)[0] ?? 'unlimited';
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
};

const show = (bytes: number): string => {
  if (!Number.isFinite(bytes)) return 'unlimited';
  return bytes < 1024 ** 2 ? `${Math.floor(bytes / 1024)}KB` : `${Math.floor(bytes / 1024 ** 2)}MB`;
};

/** Limits of processes that seem harmless and are not. */
export const processLimits = defineCheck({
  id: 'host.process-limits',
  number: 608,
  title: 'Address space, file size, data, stack and processor time are not limited',
  why: 'Node reserves address space that it does not use, and ends without a word where it may not; a limit of file size ends writing to the queue.',
  needs: ['settings', 'host', 'service'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host, service }) {
    const [pid = 'self'] = await limitedProcesses({ settings, host, service });
    const limits = await host.text(`/proc/${pid}/limits`);
    if (!limits.ok) return unknown(`the limits of process ${pid} cannot be read`);
    const space = limitOf(limits.value, 'Max address space');
    const size = limitOf(limits.value, 'Max file size');
    const seconds = limitOf(limits.value, 'Max cpu time');
    const heap = limitOf(limits.value, 'Max data size');
    const stack = limitOf(limits.value, 'Max stack size');
    const sizeNeeded = Math.max(fileSizeMin, settings.reception.messageSizeMax * 2);
    const evidence: readonly Evidence[] = [
      row('address space', `unlimited, or ${show(addressSpaceMin)} and more`, show(space)),
      row('file size', `unlimited, or ${show(sizeNeeded)} and more`, show(size)),
      row('memory for data', `unlimited, or ${show(dataSizeMin)} and more`, show(heap)),
      row('stack', `${show(stackSizeMin)} or more`, show(stack)),
      row('processor time', 'unlimited', Number.isFinite(seconds) ? `${seconds} s` : 'unlimited'),
    ];
    if (space < addressSpaceMin)
      return unhealthy(
        `The address space of a process is limited to ${show(space)} (RLIMIT_AS, ulimit -v): a worker may end at any time.`,
        { cure: 'ulimit -v unlimited, or take LimitAS out of the unit; MemoryMax= limits memory instead' },
        evidence,
      );
    if (heap < dataSizeMin)
      return unhealthy(
        `The memory for data of a process is limited to ${show(heap)} (RLIMIT_DATA, ulimit -d): a worker may end at any time.`,
        { cure: 'ulimit -d unlimited, or take LimitDATA out of the unit; MemoryMax= limits memory instead' },
        evidence,
      );
    if (stack < stackSizeMin)
      return unhealthy(
        `The stack of a process is limited to ${show(stack)} (RLIMIT_STACK, ulimit -s): a worker may end at any time.`,
        { cure: 'ulimit -s 8192, or take LimitSTACK out of the unit' },
        evidence,
      );
    if (Number.isFinite(seconds))
      return unhealthy(
        `A process is ended after ${seconds} s of processor time (RLIMIT_CPU, ulimit -t): every worker ends sooner or later (SIGXCPU).`,
        { cure: 'ulimit -t unlimited, or take LimitCPU out of the unit' },
        evidence,
      );
    if (size < sizeNeeded)
      return unhealthy(
        `Files may not grow beyond ${show(size)} (RLIMIT_FSIZE, ulimit -f): longer messages and the queue cannot be written (EFBIG).`,
        { cure: 'ulimit -f unlimited, or take LimitFSIZE out of the unit', event: 4752 },
        evidence,
      );
    return healthy(evidence);
  },
});
