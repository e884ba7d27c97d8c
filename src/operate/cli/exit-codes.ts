/** What the exit code of `ims` means; the same table stands in `ims help`. */
export const exitCodes = {
  ok: 0,
  /** Problems were found, or the answer is no: nothing found, refused, not confirmed. */
  negative: 1,
  usage: 2,
  noService: 3,
  notPermitted: 4,
  failed: 5,
} as const;

/** The table of exit codes for the help text. */
export const exitCodeHelp = `Exit codes:
  0  done
  1  problems were found, or the answer is no (nothing found, refused, not confirmed)
  2  wrong use of the command
  3  no service runs, and the command needs one
  4  not permitted: another user owns the control socket
  5  failed`;
