// One installation or build at a time: a directory whose name is taken by mkdir, with its owner written inside.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const POLL_MS = 100;
const WAIT_MAX_MS = 15 * 60_000;
/** A lock without an owner's name is young (its owner is about to write) or was left by a kill between two calls. */
const NAMELESS_MAX_MS = 5_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A process is named by its id and its start time, so that a reused id is not taken for the owner. */
function nameOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return `${pid}-${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return `${pid}-0`;
  }
}

function isAlive(owner) {
  const pid = Number(owner.split('-')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  return nameOf(pid) === owner;
}

/** The owner of a lock: its name, '' for one that is being written, undefined for none; `dead` when it may be taken over. */
function look(lock) {
  try {
    const owner = readFileSync(join(lock, 'owner'), 'utf8');
    if (owner !== '') return { owner, dead: !isAlive(owner) };
  } catch {
    // No owner file yet: the directory's age decides.
  }
  try {
    const { mtimeMs, ino } = statSync(lock);
    return { owner: `nameless-${ino}`, dead: Date.now() - mtimeMs > NAMELESS_MAX_MS };
  } catch {
    return undefined;
  }
}

function take(lock) {
  try {
    mkdirSync(lock);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(lock, 'owner'), nameOf(process.pid));
  return true;
}

/**
 * Moves a dead owner's lock away. The new name carries the owner's, and stays until the new owner has finished: a second
 * process that judged the same owner dead cannot move the lock of the first, because its target is there and not empty.
 */
function bury(lock, owner) {
  try {
    renameSync(lock, `${lock}.dead-${owner}`);
    return `${lock}.dead-${owner}`;
  } catch {
    return undefined;
  }
}

/** Runs `work` while no other process holds `lock`; `waiting` is called once when somebody else holds it. */
export async function holding(lock, waiting, work) {
  mkdirSync(dirname(lock), { recursive: true });
  const deadline = Date.now() + WAIT_MAX_MS;
  const buried = [];
  for (let told = false; !take(lock); ) {
    const seen = look(lock);
    if (seen === undefined) continue;
    if (seen.dead) {
      const grave = bury(lock, seen.owner);
      if (grave !== undefined) buried.push(grave);
      else await sleep(POLL_MS);
      continue;
    }
    if (Date.now() > deadline) throw new Error(`${lock} is still held by process ${seen.owner.split('-')[0]}`);
    if (!told) waiting(seen.owner.split('-')[0]);
    told = true;
    await sleep(POLL_MS);
  }
  const release = () => {
    rmSync(lock, { recursive: true, force: true });
    for (const grave of buried) rmSync(grave, { recursive: true, force: true });
  };
  process.on('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
