import { readdir, readFile } from 'node:fs/promises';

/** A process and its descendants, the process itself first. */
export async function family(pid: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'latin1').catch(() => '');
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const out = [pid];
  for (let at = 0; at < out.length; at += 1) out.push(...(children.get(out[at] ?? 0) ?? []));
  return out;
}

/** Proportional set size in octets of a process and all its descendants together. */
export async function familyPss(pid: number): Promise<number> {
  let total = 0;
  for (const one of await family(pid)) {
    const text = await readFile(`/proc/${one}/smaps_rollup`, 'latin1').catch(() => '');
    total += Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
  }
  return total;
}

/** Calls `step` every few milliseconds until it says true; throws with `what` when it has not within `ms`. */
export async function until(what: string, step: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await step())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
