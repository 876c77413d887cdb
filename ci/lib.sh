# shellcheck shell=bash
# Shared by the scripts in ci/: where we are, how we speak, how we stop. Sourced, never run.
set -euo pipefail
# A failure inside $(…) is a failure too; a bash too old to know that still runs what it can.
shopt -s inherit_errexit 2>/dev/null || true

CI_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$CI_DIR")
cd "$ROOT"

# Where `cargo install` puts cargo-nextest, and rustup puts cargo.
export PATH="$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin"

# A check is built once and thrown away: no incremental files, no more debug info than a
# backtrace needs.
export CARGO_INCREMENTAL=0
export CARGO_PROFILE_DEV_DEBUG=line-tables-only
export CARGO_TERM_PROGRESS_WHEN=never

heading() { printf '\n==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Says a command, then does it.
run() {
    printf '+ %s\n' "$*"
    "$@"
}

# 83 -> "1m 23s"
span() { printf '%dm %02ds' $(($1 / 60)) $(($1 % 60)); }

# A directory of our own, where other users may be let in (TMPDIR may be private).
scratch() { mktemp -d /tmp/nebula-resource.XXXXXX; }

# A port that nobody answers on, below the range that outgoing connections use.
free_port() {
    local port
    while true; do
        port=$((20000 + RANDOM % 12000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
}

# The name of the package whose directory this is.
package_in() { awk -F'"' '/^name *=/ { print $2; exit }' "$1/Cargo.toml"; }

# Servers of our own, each as "SCRIPT DIR"; they end with the script.
own_servers=()
stop_own_servers() {
    local server
    for server in ${own_servers[@]+"${own_servers[@]}"}; do
        "$CI_DIR/${server%% *}" stop "${server#* }" || true
    done
}

# own_server SCRIPT: starts one and answers its URL in $own_url.
own_server() {
    local dir
    dir=$(scratch)
    own_servers+=("$1 $dir")
    trap stop_own_servers EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    own_url=$("$CI_DIR/$1" start "$dir")
}

# After this NEBULA_TEST_POSTGRES_URL names a server: the caller's, or one of our own that ends
# with the script.
need_postgres() {
    if [[ -z "${NEBULA_TEST_POSTGRES_URL:-}" ]]; then
        own_server postgres.sh
        export NEBULA_TEST_POSTGRES_URL=$own_url
    fi
}

# The same for NEBULA_TEST_REDIS_URL.
need_redis() {
    if [[ -z "${NEBULA_TEST_REDIS_URL:-}" ]]; then
        own_server redis.sh
        export NEBULA_TEST_REDIS_URL=$own_url
    fi
}
