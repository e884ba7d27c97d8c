import type { ShellSession } from '../../world/ports/secure-shell.ts';
import { LOOK_MS } from './limits.ts';

/**
 * Ends sessions of the same user that hold a port. It takes the port from the last word of what the client asked for, so that it
 * also serves as the forced command of a key. It looks only at processes that name themselves as sshd's sessions of this user,
 * never at its own ancestors, never at sessions with programs of their own, and
 * at none where the kernel says that the port belongs to another user; where the kernel tells which one holds the port, at
 * that one alone. No quotation marks of either kind: it stands within both.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of the shell
const SCRIPT = [
  'p=${SSH_ORIGINAL_COMMAND:-$1}; p=${p##* }; case ${p:-x} in *[!0-9]*) exit 2;; esac; h=$(printf %04X $p); u=$(id -un)',
  'held() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q :$h\\ [0-9A-F]*:0000\\ 0A; }',
  'parent() { sed s/.*\\)\\ .\\ // /proc/$1/stat 2>/dev/null | cut -d\\  -f1; }',
  'held || { echo ims-free; exit 0; }',
  'cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q :$h\\ [0-9A-F]*:0000\\ 0A\\ [^\\ ]*\\ [^\\ ]*\\ [^\\ ]*\\ *$(id -u)\\  || { echo ims-held; exit 0; }',
  'mine=; a=$$; while [ ${a:-1} -gt 1 ]; do mine=$mine:$a:; a=$(parent $a); done',
  'ours() { case $mine in *:$1:*) return 1;; esac; grep -qs ^Uid:[[:space:]]$(id -u)[[:space:]] /proc/$1/status || return 1; case $(tr \\\\0 \\  < /proc/$1/cmdline) in sshd:\\ $u|sshd:\\ $u\\ *|sshd:\\ $u@*|sshd-session:\\ $u*) return 0;; esac; return 1; }',
  'f=; for i in $(ss -Hltnp sport = :$p 2>/dev/null | grep -o pid=[0-9]* | cut -d= -f2); do f=1; ours $i && kill $i; done',
  'if [ -z $f ]; then parents=:; for s in /proc/[0-9]*; do parents=$parents$(parent ${s#/proc/}):; done',
  'for s in $(ls -d /proc/[0-9]* | sort -t/ -k3n); do i=${s#/proc/}; ours $i || continue; case $parents in *:$i:*) continue;; esac; kill $i; sleep 0.1; held || break; done; fi',
  'n=0; while held && [ $n -lt 10 ]; do sleep 0.1; n=$((n+1)); done; held && echo ims-held || echo ims-ended',
].join('\n');
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: variables of the shell

/** The script on one line, for the command= of an authorized_keys line. */
export function takeOverForcedCommand(): string {
  return `sh -c '${oneLine(SCRIPT)}' ims-take-over`;
}

function oneLine(script: string): string {
  return script.replaceAll('\n', '; ');
}

/** What became of the attempt to free a port. */
export type TakenOver =
  | { readonly kind: 'ended' | 'free' | 'held' }
  | { readonly kind: 'unable'; readonly why: string };

/** Ends the session of ours that holds a port on the gateway. */
export async function takeOver(session: ShellSession, port: number): Promise<TakenOver> {
  try {
    const { code, output } = await session.run(`sh -c '${SCRIPT}' ims-take-over ${port}`, LOOK_MS * 3);
    const said = /^ims-(ended|free|held)$/m.exec(output)?.[1];
    if (said === 'ended' || said === 'free' || said === 'held') return { kind: said };
    return { kind: 'unable', why: `its answer to our command was: ${output.trim() || `exit code ${code ?? 'none'}`}` };
  } catch (error) {
    return { kind: 'unable', why: error instanceof Error ? error.message : String(error) };
  }
}
