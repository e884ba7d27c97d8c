#!/bin/bash
# Runs as pid 1 of fresh mount, net, pid, uts and ipc namespaces: builds the lab, applies the fault, runs the command.
set -u
mount --make-rprivate / || exit 70
export LAB=/run/lab
# nothing of this machine's own settings may leak in
for v in $(compgen -e); do case $v in FAULT*|LAB|PATH|HOME|TERM|LANG|USER|SHELL|PWD) ;; *) unset "$v" 2>/dev/null;; esac; done; export HOME=/root
# everything that a fault or a service may write is an overlay that dies with this namespace
mount -t tmpfs -o size=400m,mode=755 lab /run || exit 70
mkdir -p $LAB/u $LAB/w $LAB/pki $LAB/shm /run/lock; cp -a "$FAULT_CACHE/pki/." $LAB/pki/; chmod 755 $LAB
for d in opt var etc usr; do
  mkdir -p $LAB/u/$d $LAB/w/$d
  mount -t overlay lab-$d -o "lowerdir=/$d,upperdir=$LAB/u/$d,workdir=$LAB/w/$d" /$d || { echo "overlay $d failed" >&2; exit 70; }
done
# a /dev of our own: faults may break /dev/null, /dev/log is ours, and the host's devices are out of reach
mkdir -p $LAB/dev || exit 70; mount -t tmpfs -o mode=755 dev $LAB/dev || exit 70
mknod -m 666 $LAB/dev/null c 1 3; mknod -m 666 $LAB/dev/zero c 1 5; mknod -m 666 $LAB/dev/full c 1 7; mknod -m 666 $LAB/dev/random c 1 8; mknod -m 666 $LAB/dev/urandom c 1 9; mknod -m 666 $LAB/dev/tty c 5 0
mkdir -m 1777 $LAB/dev/shm; mkdir $LAB/dev/pts; mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts $LAB/dev/pts; ln -s pts/ptmx $LAB/dev/ptmx
ln -s /proc/self/fd $LAB/dev/fd; ln -s fd/0 $LAB/dev/stdin; ln -s fd/1 $LAB/dev/stdout; ln -s fd/2 $LAB/dev/stderr
mount --move $LAB/dev /dev || exit 70
# the rest of this script uses a PATH of its own
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
hostname mta.local.test
umask 022
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.0.2.10 mta.local.test mta\n' > /etc/hosts
rm -f /etc/resolv.conf; printf 'nameserver 192.0.2.53\noptions timeout:2 attempts:1\n' > /etc/resolv.conf
echo mta.local.test > /etc/mailname; echo mta.local.test > /etc/hostname
sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
mkdir -p /etc/lab; cat $LAB/pki/ca.pem >> /etc/ssl/certs/ca-certificates.crt; cp $LAB/pki/ca.pem /etc/lab/ca.pem
# network: 'mta' is this namespace, 'world' is everything else
ip link set lo up
ip netns add world
ip link add eth0 type veth peer name w0 netns world; sysctl -qw net.ipv6.conf.eth0.accept_dad=0
ip addr add 192.0.2.10/24 dev eth0; ip -6 addr add 2001:db8::10/64 dev eth0 nodad; ip link set eth0 up
ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1
ip netns exec world sh -c 'ip link set lo up; for a in 1 24 53 54 80; do ip addr add 192.0.2.$a/24 dev w0; done
 for a in 25 30 31 32 33 99; do ip addr add 198.51.100.$a/32 dev lo; done
 ip -6 addr add 2001:db8::1/64 dev w0 nodad; ip -6 addr add 2001:db8:1::25/128 dev lo nodad; ip link set w0 up; sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1'
echo '{}' > $LAB/world.json; : > $LAB/syslog.log; /usr/bin/python3 "$FAULTS_HOME/lab/syslogd.py" &
PATH=$FAULTS_HOME/lab:$PATH
ip netns exec world /usr/bin/python3 "$FAULTS_HOME/lab/world.py" > $LAB/world.out 2>&1 &
for i in $(seq 100); do [ -f $LAB/world.ready ] && break; sleep 0.1; done
[ -f $LAB/world.ready ] || { echo 'the lab did not come up:' >&2; cat $LAB/world.out >&2; exit 70; }
mkdir -p $LAB/inj; ip netns exec world "$FAULTS_HOME/lab/injectd.sh" > $LAB/injectd.out 2>&1 &
. "$FAULTS_HOME/lab/lib.sh"
cd /
case $FAULT_MODE in
  peer)  . "$FAULTS_HOME/lab/cycle.sh" ;;
  check) . "$FAULTS_HOME/lab/check.sh" ;;
  cmd)   id "$A_USER" >/dev/null 2>&1 || A_USER=mail; mkdir -p $A_SPOOL $A_CONFDIR $A_LOG; chown "$A_USER" $A_SPOOL $A_LOG; [ -e $A_CONF ] || echo '{}' > $A_CONF
         fault_apply before
         if [ -n "$FAULT_NOWRAP" ]; then "$@"; else eval "$(fault_field wrap)"' "$@"'; fi
         rc=$?; exit $rc ;;
esac
