#!/usr/bin/env bash
# The tests command: every check we have, one script each, the cheapest first. Stops at the first
# that fails and says so; leaves nothing running behind, whatever happens.
#
#   ci/test.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

work=$(scratch)
chmod 755 "$work" # the server's user has to pass through
child=
running=
results=()

# Each step is a job in a process group of its own, so that one signal ends all of it.
set -m

# step NAME SCRIPT ARGS…
step() {
    local name=$1 script=$2 began=$SECONDS status=0
    shift 2
    running=$name
    heading "$name"
    "$CI_DIR/$script" "$@" </dev/null &
    child=$!
    wait "$child" || status=$?
    child=
    local verdict=ok
    if ((status != 0)); then
        verdict="FAILED (exit $status)"
    fi
    results+=("$(printf '%-12s %8s  %s' "$name" "$(span $((SECONDS - began)))" "$verdict")")
    printf '<== %s\n' "${results[${#results[@]} - 1]}"
    if ((status != 0)); then
        exit "$status"
    fi
}

finish() {
    local status=$?
    trap '' INT TERM HUP
    if [[ -n "$child" ]]; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
        results+=("$(printf '%-12s %8s  interrupted' "$running" "")")
    fi
    "$CI_DIR/postgres.sh" stop "$work/postgres" || true
    "$CI_DIR/redis.sh" stop "$work/redis" || true
    rm -rf "$work"
    heading "Summary"
    if ((${#results[@]})); then
        printf '    %s\n' "${results[@]}"
    fi
    if ((status == 0)); then
        note "all checks passed in $(span "$SECONDS")"
    else
        note "NOT PASSED after $(span "$SECONDS"); later checks did not run"
    fi
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

step install install.sh
step fmt fmt.sh
step tree tree.sh
step clippy clippy.sh
step docs docs.sh
step postgres postgres.sh start "$work/postgres"
NEBULA_TEST_POSTGRES_URL=$(cat "$work/postgres/url")
export NEBULA_TEST_POSTGRES_URL
step redis redis.sh start "$work/redis"
NEBULA_TEST_REDIS_URL=$(cat "$work/redis/url")
export NEBULA_TEST_REDIS_URL
step unit unit.sh
step loom loom.sh
step shuttle shuttle.sh
step examples examples.sh
step prometheus prometheus.sh
step benches benches.sh
step league league.sh
step soak soak.sh 20
step storm storm.sh 200000
