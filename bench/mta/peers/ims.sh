# The service of this repository, called by lib/bench.mjs:  ims.sh run DIR MODE PORT SINKPORT   (MODE: hold | relay)
# Everything of a default configuration is on; only the route (a fixed host instead of MX) and the networks that may relay are set.
set -eu
dir=$2 mode=$3 port=$4 sink=$5
repository=$(cd "$(dirname "$0")/../../.." && pwd)
mkdir -p "$dir"
if [ "$mode" = hold ]; then via=hold; else via=sink; fi
cat > "$dir/ims.yaml" <<YAML
server: { name: bench.test, data: $dir/data }
listeners: { bench: { profile: mx, address: 127.0.0.1, port: $port, tls: none } }
policy: { localNetworks: [127.0.0.0/8] }
domains: { bench.test: { mailboxes: { postmaster: {} } } }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: $sink }], tls: none } }
  addressSpaces: [{ match: '*', via: $via }]
YAML
exec "${IMS_BIN:-$repository/bin/ims}" run --config "$dir/ims.yaml"
