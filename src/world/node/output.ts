import * as fs from 'node:fs';
import { isatty } from 'node:tty';
import type { Output } from '../ports/output.ts';

/** Octets kept for a reader that is slow; beyond that lines are dropped. */
export const OUTPUT_BUFFER_MAX = 256 * 1024;

/** Octets of one write: at most PIPE_BUF, so that lines of several processes on one pipe stay whole. */
const WRITE_MAX = 4096;

/** Milliseconds until a full non-blocking pipe is tried again. */
const RETRY_MS = 50;

/**
 * An output over a descriptor (1, 2), with one write in flight and a bounded buffer behind it. It writes past Node's own
 * streams: those keep what a stalled pipe does not take without bound, and block the process on a terminal.
 */
export function nodeOutput(descriptor: number, bufferMax: number = OUTPUT_BUFFER_MAX): Output {
  const makeNonBlocking = nonBlocking(descriptor);
  const lines: Buffer[] = [];
  let held = 0;
  let dropped = 0;
  let busy = false;
  let gone = false;
  let rest: Buffer | undefined;
  let onRoom: (() => void) | undefined;
  let onEmpty: (() => void)[] = [];

  const next = (): void => {
    rest ??= take();
    if (rest === undefined || gone) {
      busy = false;
      if (!gone && onRoom !== undefined) {
        const room = onRoom;
        onRoom = undefined;
        room();
        if (busy) return;
      }
      const waiting = onEmpty;
      onEmpty = [];
      for (const fn of waiting) fn();
      return;
    }
    busy = true;
    makeNonBlocking();
    fs.write(descriptor, rest, 0, rest.length, null, (error, written) => {
      if (error !== null && error.code === 'EAGAIN') {
        setTimeout(next, RETRY_MS).unref();
        return;
      }
      if (error !== null) {
        // The reader has gone (EPIPE) or the file takes no more: what comes now is counted as dropped.
        gone = error.code === 'EPIPE' || error.code === 'EBADF';
        dropped += 1 + (gone ? lines.length : 0);
        held = gone ? 0 : held - (rest?.length ?? 0);
        if (gone) lines.length = 0;
        rest = undefined;
      } else {
        held -= written;
        rest = rest !== undefined && written < rest.length ? rest.subarray(written) : undefined;
      }
      next();
    });
  };

  const take = (): Buffer | undefined => {
    let size = 0;
    let count = 0;
    for (const line of lines) {
      if (count > 0 && size + line.length > WRITE_MAX) break;
      size += line.length;
      count += 1;
    }
    return count === 0 ? undefined : Buffer.concat(lines.splice(0, count), size);
  };

  return {
    terminal: isatty(descriptor),
    line(text) {
      const octets = Buffer.from(`${text}\n`);
      if (gone || held + octets.length > bufferMax) {
        dropped += 1;
        return false;
      }
      lines.push(octets);
      held += octets.length;
      if (!busy) next();
      return true;
    },
    get dropped() {
      return dropped;
    },
    onRoom(fn) {
      onRoom = fn;
    },
    flush: (ms) =>
      new Promise((resolve) => {
        if (!busy) return resolve();
        const timer = setTimeout(resolve, ms);
        onEmpty.push(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

interface PipeStream {
  readonly _handle?: { setBlocking?(on: boolean): number } | null;
}

/**
 * A write into a full blocking pipe would hold a thread for as long as its reader stalls, and the end of the process with it.
 * Nothing is written through Node's own stream, but its handle can make the pipe non-blocking: before each write, because every
 * process of ours that starts or ends makes the pipe, which all share, blocking again.
 */
function nonBlocking(descriptor: number): () => void {
  if (descriptor !== 1 && descriptor !== 2) return () => undefined;
  const kind = fs.fstatSync(descriptor);
  if (!kind.isFIFO() && !kind.isSocket()) return () => undefined;
  const stream = (descriptor === 1 ? process.stdout : process.stderr) as unknown as PipeStream;
  return () => void stream._handle?.setBlocking?.(false);
}
