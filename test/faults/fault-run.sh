#!/bin/bash
# fault-run.sh [-n] ID -- COMMAND ARGS...   one fault, then COMMAND inside the lab
# fault-run.sh -a ADAPTER ID                the whole measured cycle with adapters/ADAPTER.sh
# fault-run.sh -c ID                        only check that the fault really is in effect
# fault-run.sh -L                           list
#  -n  do not put the fault's wrapper (ulimit, LD_PRELOAD, dropped capability...) before COMMAND
# ID 'healthy' is the control without any fault. Needs root; touches nothing outside its own namespaces.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
export FAULTS_HOME=$HERE FAULTS_JSON=${FAULTS_JSON:-$HERE/faults.json}
export FAULT_CACHE=${FAULT_CACHE:-${TMPDIR:-/tmp}/ims-faults}
PEER=; MODE=cmd; NOWRAP=
while getopts 'a:cnL' o; do case $o in
  a) PEER=$OPTARG; MODE=peer;; c) MODE=check;; n) NOWRAP=1;;
  L) exec /usr/bin/python3 -c "import json,sys; [print('%-28s %-13s %s'%(f['id'],f['group'],f['title'])) for f in json.load(open(sys.argv[1]))['faults']]" "$FAULTS_JSON";;
  *) exit 64;; esac; done
shift $((OPTIND-1)); ID=${1:?fault id}; shift; [ "${1:-}" = -- ] && shift
[ "$MODE" = cmd ] && [ $# = 0 ] && { echo 'no command' >&2; exit 64; }
FAKETIME=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -1)
mkdir -p "$FAULT_CACHE"
( flock 9; FAKETIME_LIB=$FAKETIME "$HERE/lab/mkpki.sh" "$FAULT_CACHE/pki" ) 9>"$FAULT_CACHE/pki.lock" || { echo 'PKI failed' >&2; exit 70; }
export FAULT_ID=$ID FAULT_PEER=$PEER FAULT_MODE=$MODE FAULT_NOWRAP=$NOWRAP
exec timeout -k 5 "${FAULT_TIMEOUT:-240}" unshare -m -n -p -u -i --fork --kill-child --mount-proc /bin/bash "$HERE/lab/inside.sh" "$@"
