#!/usr/bin/env bash
# The league of faults (benches/src/bin/fault-league). Short: our pools pass every row. --full: the
# other pools are asked too, and the tables are written into docs/fault-league.md.
#
#   ci/league.sh [--full]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ours='ours-async,ours-sync'

# Who else uses the machine is not what the rows ask about: where we may, nothing else runs while a
# case does. (It needs little: most of its time it waits.)
first=()
if chrt --rr 1 true 2>/dev/null; then
    first=(chrt --rr 1)
fi

league() {
    run cargo build --release -p nebula-resource-benches --bin fault-league
    run ${first[@]+"${first[@]}"} "${CARGO_TARGET_DIR:-target}/release/fault-league" \
        --must-pass "$ours" "$@"
}

# What the document says of the machine and the day.
about() {
    local model=unknown
    if [[ -r /proc/cpuinfo ]]; then
        model=$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
    fi
    printf '%s, %s cores (%s), %s %s, %s' "$(date -u +%F)" "$(getconf _NPROCESSORS_ONLN)" \
        "$model" "$(uname -s)" "$(uname -m)" "$(rustc --version)"
}

case ${1:-} in
    '') league --contenders "$ours" --jobs 4 ;;
    --full) league --write docs/fault-league.md --about "$(about)" ;;
    *) die "usage: ci/league.sh [--full]" ;;
esac
