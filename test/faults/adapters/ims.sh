# The Internet Mail Service under the fault lab: how it is prepared, configured, started and questioned.
# The program is the checkout that this file belongs to; FAULT_IMS_HOME names another one, FAULT_IMS_DIST another build of it.
A_USER=ims A_SPOOL=/var/spool/ims A_CONF=/etc/ims/ims.yaml A_CONFDIR=/etc/ims A_LOG=/var/spool/ims/events A_KEYOWNER=ims
IMS=/opt/ims/bin/ims
[ -n "${FAULT_NODE:-}" ] && PATH=$PATH:$(dirname "$FAULT_NODE")
# a service that is diagnosed says what it says, also after a fault has changed what programs are started with
ims() { "$IMS" "$@"; }
a_version() { ims --version; }

# settings of the control world; a_config changes them, write_settings makes the file of them
NAME=mta.local.test LISTEN= TWICE= CERT=/etc/lab/cert.pem KEY=/etc/lab/key.pem TLS=opportunistic PROXY= RELAY= LOGIN= STORE=192.0.2.24:24
HEADER= CATCH=yes SIZE=50MB
host_of() { local h=${1%:*}; h=${h#[}; echo "${h%]}"; }
write_settings() {
  local address="'0.0.0.0'" port=25 one
  if [ -n "$LISTEN" ]; then
    address=; port=${LISTEN##*:}
    for one in ${LISTEN//,/ }; do address="$address${address:+, }'$(host_of "$one")'"; done
  fi
  { cat <<C
server:
  name: $NAME
  data: /var/spool/ims
  run: /run/ims
  user: ims
  workers: 1
listeners:
  mx:
    profile: mx
    address: [$address]
    port: $port
C
    [ -n "$HEADER" ] && printf '    proxyProtocol: { trusted: [192.0.2.0/24] }\n'
    [ -n "$TWICE" ] && printf '  mx-again:\n    profile: mx\n    address: [%s]\n    port: %s\n' "$address" "$port"
    cat <<C
tls: { certificate: $CERT, key: $KEY }
reception: { messageSizeMax: $SIZE }
policy: { localNetworks: [192.0.2.53/32] }
domains:
  local.test:
    lmtp: store
    mailboxes: {$([ -n "$CATCH" ] && echo ' bob: {}, postmaster: {} ')}
routing:
  tls: $TLS
  smartHosts:
    store: { protocol: lmtp, tls: none, hosts: [{ host: '$(host_of "$STORE")', port: ${STORE##*:} }] }
C
    [ -n "$RELAY" ] && printf "    relay: { hosts: [{ host: '%s', port: %s }]%s }\n" "$(host_of "$RELAY")" "${RELAY##*:}" "$LOGIN"
    [ -n "$RELAY" ] && printf "  addressSpaces: [{ match: '*', via: relay }]\n"
    [ -n "$PROXY" ] && printf "  proxies: { lab: %s }\n  proxy: lab\n" "$PROXY"
    cat <<C
delivery: { timeouts: { connect: 8s, greeting: 8s, mail: 8s } }
scheduler: { normal: { first: 4s }, breaker: { rest: 4s } }
queue: { spaceFloor: 1MB, spaceResume: 2MB }
C
  } > $A_CONF; }

a_prepare() {
  local home=${FAULT_IMS_HOME:-$FAULTS_HOME/../..}
  [ -f "$home/bin/ims" ] || { echo "no service at $home (FAULT_IMS_HOME)"; return 1; }
  grep -q ^ims: /etc/passwd || echo 'ims:x:990:990::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
  grep -q ^ims: /etc/group || echo 'ims:x:990:' >> /etc/group
  # below a folder that every user may enter, wherever the checkout is
  mkdir -p /opt/ims $A_SPOOL $A_CONFDIR; mount --bind "$home" /opt/ims || return 1
  [ -n "${FAULT_IMS_DIST:-}" ] && { mount --bind "$FAULT_IMS_DIST" /opt/ims/dist || return 1; }
  chown ims:ims $A_SPOOL; chmod 700 $A_SPOOL
  cp "$LAB/pki/mta.local.test.chain.pem" $CERT; cp "$LAB/pki/mta.local.test.key.pem" $KEY; chmod 600 $KEY; chown ims $KEY
  write_settings
  # faults of a storage hit a service that has run before
  case $FAULT_ID in st-*) run_once;; esac; true; }
run_once() { local i; "$IMS" run --config $A_CONF > $LAB/before.log 2>&1 & local p=$!
  for i in $(seq 60); do listening 25 && break; sleep 0.2; done
  "$@"; kill $p; wait $p 2>/dev/null; true; }

a_config() {
  case $1 in
    listen) LISTEN=$2;;
    dup_listener) TWICE=yes;;
    tls_cert) CERT=$2;; tls_key) KEY=$2;;
    outbound_tls) case $2 in may) TLS=opportunistic;; encrypt) TLS=required;; verify) TLS=verified;; *) return 95;; esac;;
    proxy) local kind=socks5; case $2 in http:*) kind=http-connect;; esac
      PROXY="{ kind: $kind, host: '$(host_of "${2#*://}")', port: ${2##*:} }";;
    relayhost) RELAY=$2;;
    relay_auth) LOGIN=", login: { user: '${2%%:*}', password: '${2#*:}' }";;
    lmtp) STORE=$2;;
    proxy_protocol) HEADER=yes;;
    hostname) NAME=$2;;
    no_catch) CATCH=;;
    break) case $2 in
        syntax) write_settings; printf 'reception: [ {\n  this is no setting\n' >> $A_CONF; return;;
        unknown_key) write_settings; sed -i 's/^delivery: { timeouts/delivery: { timeoutz/' $A_CONF; return;;
        wrong_type) SIZE='ten megabytes';;
        *) return 95;; esac;;
    *) return 95;; esac
  write_settings; }

# one message is in the queue and cannot be delivered; then the service is gone
queue_one() { worldctl lmtp=451; inject 192.0.2.10 25 remote@good.test bob@local.test >/dev/null; sleep 1; }
a_break() { case $1 in
  queue-entry) run_once queue_one; worldctl lmtp=ok
    local f; for f in $(find $A_SPOOL/queue -type f -size +0 ! -name '*.lock'); do truncate -s 200 "$f"; done;;
  newer-spool) run_once true; newer_spool;;
  pid-live) mkdir -m 700 -p /run/ims; sleep 999 & echo $! > /run/ims/lock; chown -R ims:ims /run/ims;;
  *) return 95;; esac; }
newer_spool() { sed -i 's/^format .*/format 99/' $A_SPOOL/queue/0/boot; }

a_start() { eval "ptyrun $WRAP $IMS run --config $A_CONF"' > $LAB/console.log 2>&1 &'; echo $! > $LAB/ims.pid
  local i; for i in $(seq 50); do listening 25 && break; a_running || break; sleep 0.1; done; }
a_running() { local p; p=$(cat $LAB/ims.pid 2>/dev/null) || return 1; [ -d "/proc/$p" ] && ! grep -q '^State:.Z' "/proc/$p/status"; }
a_logs() {
  local i; for i in $(seq 60); do a_running || break; ims status >/dev/null 2>&1 && break; sleep 0.2; done
  echo '--- console'; tail -n 30 $LAB/console.log
  echo '--- ims status'; ims status 2>&1
  echo '--- ims doctor'; ims doctor 2>&1; }
a_queue() { ims queue list 2>&1; }
a_repair() { ims repair --yes 2>&1; a_running || { echo '(started again)'; a_start; }; }
