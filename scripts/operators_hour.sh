#!/usr/bin/env bash
# A new operator's hour, for real: a bank without anything joins a network that runs, with TLS,
# metrics and a backup, loses its disk, changes a key, and is upgraded. Prints what it does and how
# long each step took; docs/OPERATIONS.md shows a run. Needs `dcn` on the PATH, openssl and curl,
# and works in an empty directory: scripts/operators_hour.sh DIRECTORY
set -euo pipefail
repository="$(cd "$(dirname "$0")/.." && pwd)"
work="${1:?a directory that does not exist yet}"
mkdir "$work" && cd "$work"
began=$SECONDS
export PYTHONPATH="$repository"   # of the next version, which is a program of the tests
bank=5493000IBP32UQZ0KL24
running=()
trap 'kill "${running[@]}" 2>/dev/null || true; dcn testnet down --dir net >/dev/null 2>&1 || true' EXIT

step() { printf '\n# %s\n' "$1"; }
shown() {  # a command as an operator types it, what it says, how long it took
  local since; since=$(date +%s%N)
  printf '$ %s\n' "$*"
  eval "$@" 2>&1 | sed "s#$work/##g" | cut -c1-140
  printf '  [%d.%d s]\n' $(( ($(date +%s%N) - since) / 1000000000 )) $(( ($(date +%s%N) - since) / 100000000 % 10 ))
}
height() { dcn status --home "$1" --json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["height"])' 2>/dev/null || echo -1; }
past() { until [ "$(height "$1")" -ge "$2" ]; do sleep 0.3; done; }
in_background() { "$@" >> run.log 2>&1 & running+=($!); }
stopped() { kill "${running[-1]}"; wait "${running[-1]}" || true; unset 'running[-1]'; }

# ------------------------------------------------------- the network that is there already
dcn testnet run --keep --dir net --days 2 --trades 40 > net.log 2>&1
members=(net/member-1 net/member-2 net/member-3 net/member-4)
peers=$(for home in "${members[@]}"; do
  lei=$(dcn keys show --home "$home" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["lei"])')
  printf -- '--peer=%s=%s ' "$lei" "$(sed -n 's/^listen = "\(.*\)"/\1/p' "$home/config.toml")"
done)

step "A node"
openssl rand -base64 24 > phrase; chmod 600 phrase
export DCN_PASSPHRASE_FILE="$PWD/phrase"
read -r listen api < <(python3 - <<'PY'
import socket
free = [socket.create_server(("127.0.0.1", port)) for port in (9771, 9871)]
print(*(one.getsockname()[1] for one in free))
PY
)
shown dcn init --home node --lei $bank --name Bank --listen /ip4/127.0.0.1/tcp/"$listen" \
  --api-port "$api" --passphrase-file phrase "$peers" "| head -4"
shown dcn doctor --home node "| grep -v ^ok || true"

step "Admitted by vote"
shown dcn governance apply --home node --out bank.tx
shown dcn governance submit bank.tx --home net/member-1
shown dcn governance propose admit $bank --power 1 --home net/member-1
for home in "${members[@]}"; do
  shown dcn governance vote 1 --for --home "$home"
done

step "Joined, by a header that a member has told"
trust=$(dcn block latest --home net/member-1 --json | python3 -c 'import json, sys; b = json.load(sys.stdin); print(f"{b[\"header\"][\"height\"]}:{b[\"id\"]}")' 2>/dev/null \
  || dcn block latest --home net/member-1 --json | python3 -c 'import json, sys
b = json.load(sys.stdin); print(b["header"]["height"], b["id"], sep=":")')
shown dcn join --home node --node net/member-1 --node net/member-2 --trust "$trust"

step "With TLS"
mkdir node/tls
shown "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=bank -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout node/tls/server.key -out node/tls/server.pem 2>/dev/null"
chmod 600 node/tls/server.key
sed -i "s#^\[api\]#[api]\nhost = \"0.0.0.0\"\ntls_cert = \"tls/server.pem\"\ntls_key = \"tls/server.key\"#" node/config.toml
shown dcn config validate --home node
in_background dcn run --home node
past node 1
shown dcn status --home node
shown dcn doctor --home node

step "Metrics"
shown "dcn token create prometheus --scope metrics --home node | tee token | tail -1 | cut -c1-12"
shown "curl -s --cacert node/tls/server.pem -H \"Authorization: Bearer \$(tail -1 token)\" https://localhost:$api/metrics | grep -E '^dcn_(height|peers|mempool)' | head -5"

step "Backed up, while it runs"
openssl rand -base64 24 > backup-phrase; chmod 600 backup-phrase
shown dcn backup node.dcn --with-keys --home node --passphrase-file backup-phrase

step "The disk is lost, and the backup restored on an empty one"
kill -9 "${running[-1]}"; wait "${running[-1]}" 2>/dev/null || true; unset 'running[-1]'
rm -rf node
shown dcn restore node.dcn --home node --passphrase-file backup-phrase
shown dcn verify --home node
ls node/tls/server.pem > /dev/null 2>&1 || echo "# the certificate of the API is not in a backup: put it back"
