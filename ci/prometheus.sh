#!/usr/bin/env bash
# A real Prometheus server reads the example's figures, and answers questions about them.
#
#   ci/prometheus.sh         the check
#   ci/prometheus.sh find    prints the path of the server
#
# Loopback only, free ports, a directory of its own; nothing is left running.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

find_server() {
    command -v prometheus || die "no prometheus here: run ci/install.sh prometheus"
}

case "${1:-}" in
    "") ;;
    find) find_server && exit ;;
    *) die "usage: ci/prometheus.sh [find]" ;;
esac

server=$(find_server)
dir=$(scratch)
pids=()
finish() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# get PORT PATH: what an HTTP server on this machine answers.
get() {
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.0\r\nhost: localhost\r\n\r\n' "$2" >&3
    timeout 5 cat <&3 || true
    exec 3>&-
}

# ask QUERY: what Prometheus knows of it, as JSON.
ask() { get "$prometheus_port" "/api/v1/query?query=$1" 2>/dev/null | tail -n 1; }

# until_answered QUERY PATTERN: Prometheus' answer matches, within a minute.
until_answered() {
    local answer wait
    for ((wait = 0; wait < 120; wait++)); do
        answer=$(ask "$1" || true)
        if grep -Eq "$2" <<<"$answer"; then
            note "$1: as expected"
            return
        fi
        sleep 0.5
    done
    cat "$dir/prometheus.log" >&2
    die "$1 should match $2, but is ${answer:-nothing}"
}

heading "the example"
run cargo build --example prometheus --features metrics
example_port=$(free_port)
"${CARGO_TARGET_DIR:-target}/debug/examples/prometheus" --listen "127.0.0.1:$example_port" \
    >"$dir/example.log" 2>&1 &
pids+=("$!")

heading "$("$server" --version 2>&1 | head -n 1)"
cat >"$dir/prometheus.yml" <<YAML
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: example
    static_configs:
      - targets: ["127.0.0.1:$example_port"]
YAML
prometheus_port=$(free_port)
"$server" --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" \
    --web.listen-address="127.0.0.1:$prometheus_port" >"$dir/prometheus.log" 2>&1 &
pids+=("$!")

# Every page that is read has the example use its resource once.
until_answered up '"value":\[[0-9.]+,"1"\]'
until_answered db_client_connection_max '"db_client_connection_pool_name":"numbers".*"2"\]'
until_answered 'db_client_connection_count%7Bdb_client_connection_state=%22idle%22%7D' '"1"\]'
until_answered 'nebula_resource_acquires%7Boutcome=%22ok%22%7D%3E3' '"value"'
until_answered 'histogram_quantile(0.9,db_client_connection_use_time_bucket)%3E0' '"value"'
