# the measured cycle: prepare, configure, break, start, probe, collect
. "$FAULTS_HOME/adapters/$FAULT_PEER.sh" || exit 70
export A_USER A_SPOOL A_CONF A_CONFDIR A_LOG A_PIDFILE
say() { echo "== $*"; }
say "FAULT $FAULT_ID PEER $FAULT_PEER $(a_version 2>/dev/null | head -1)"
a_prepare || { say 'prepare failed'; exit 70; }
na=
while IFS=$'\t' read -r k v; do [ -z "$k" ] && continue
  a_config "$k" "$v"; rc=$?
  if [ $rc = 95 ]; then na=1; say "NOT-APPLICABLE: no such feature or setting: $k $v"; fi
done < <(fault_field config | /usr/bin/python3 -c "
import json,sys
s=sys.stdin.read().strip()
for k,v in (json.loads(s) if s else []): print('%s\t%s'%(k,v))")
[ -n "$na" ] && exit 95
fault_apply before; [ $? = 95 ] && { say 'NOT-APPLICABLE: no such state in this product'; exit 95; }
WRAP=$(fault_field wrap)
[ -n "${PROXYCHAINS_LATE:-}" ] && echo libproxychains.so.4 > /etc/ld.so.preload
say 'CHECK+START'
a_start > $LAB/start.out 2>&1; head -c 6000 $LAB/start.out
for i in $(seq ${FAULT_STARTWAIT:-12}); do listening ${A_PORT:-25} && break; sleep 0.5; done
fault_apply after
if a_running; then say 'STARTED yes'; else say 'STARTED no'; fi
if listening ${A_PORT:-25}; then say "LISTENING: $(ss -Hltn "sport = :${A_PORT:-25}" | awk '{print $4}' | tr '\n' ' ')"; else say 'LISTENING no'; fi
probes=$(fault_field probe); [ -z "$probes" ] && probes='in out'
wait_s=$(fault_field wait); [ -z "$wait_s" ] && wait_s=10
to=$(fault_field to); [ -z "$to" ] && to=alice@good.test
px=; [ "$(fault_field probe_proxy)" = yes ] && px=--proxy
sz=$(fault_field probe_size); [ -z "$sz" ] && sz=300
for p in $probes; do case $p in
  in)  say 'PROBE in  (remote@good.test -> bob@local.test)'; inject $px --size $sz 192.0.2.10 ${A_PORT:-25} remote@good.test bob@local.test ;;
  out) say "PROBE out (bob@local.test -> $to)"; inject $px --source 192.0.2.53 --helo app.local.test --size $sz 192.0.2.10 ${A_PORT:-25} bob@local.test $to ;;
  tls) say 'PROBE tls (STARTTLS, verified)'; inject $px --tls --verify mta.local.test --cafile /etc/lab/ca.pem 192.0.2.10 ${A_PORT:-25} remote@good.test bob@local.test ;;
esac; done
# what has arrived needs no more waiting
await() { local i; for i in $(seq $((wait_s * 2))); do [ "$(wc -l 2>/dev/null < $LAB/world-mail.jsonl || echo 0)" -ge "$1" ] && break; sleep 0.5; done; }
wanted=$(echo "$probes" | wc -w); await "$wanted"
say "RUNNING-AT-END $(a_running && echo yes || echo no)"
say 'LOG'; { a_logs; [ -s $LAB/syslog.log ] && { echo '--- syslog'; cat $LAB/syslog.log; }; } 2>&1 | tail -n ${FAULT_LOGLINES:-90} | cut -c1-600
say 'QUEUE'; a_queue 2>&1 | head -30
say 'DELIVERED'; [ -f $LAB/world-mail.jsonl ] && cut -c1-200 $LAB/world-mail.jsonl || echo '  nothing'
say 'WORLD'; grep -v ' dns ' $LAB/world.log 2>/dev/null | tail -8
if [ -n "${FAULT_REPAIR:-}" ] && declare -F a_repair >/dev/null; then
  say 'REPAIR'; a_repair 2>&1 | head -c 4000; sleep 3
  for p in $probes; do case $p in
    in)  say 'PROBE-AFTER-REPAIR in'; inject $px --size $sz 192.0.2.10 ${A_PORT:-25} remote@good.test bob@local.test ;;
    out) say 'PROBE-AFTER-REPAIR out'; inject $px --source 192.0.2.53 --helo app.local.test --size $sz 192.0.2.10 ${A_PORT:-25} bob@local.test $to ;;
  esac; done; await $((wanted * 2))
  say 'DELIVERED-AFTER-REPAIR'; [ -f $LAB/world-mail.jsonl ] && cut -c1-200 $LAB/world-mail.jsonl
fi
exit 0
