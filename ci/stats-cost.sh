#!/usr/bin/env bash
# What the statistics cost: `rivals` on our pools, in turns with and without counting (the private
# feature `__without_stats`), and the ratio of the medians for each scenario and kind of rounds.
# Above one: counting costs time. Wants a quiet machine; ci/test.sh does not call it.
#
# With less to do the compiler may inline otherwise, which can outweigh all counters: where a ratio is
# far from one, compare `perf report` of both programs before you believe it.
#
#   ci/stats-cost.sh                          4 turns of S1, S2, S3 and S3W
#   ci/stats-cost.sh TURNS [SCENARIOS [CONTENDERS]]
#   ROUNDS=1 MILLIS=5 ci/stats-cost.sh 1      only to see that it works
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

turns=${1:-4}
# Of S1, S2 and S3 no acquire waits, and waits are what a histogram counts under a lock.
scenarios=${2:-S1,S2,S3,S3W}
contenders=${3:-ours-affine,ours-fifo,ours-lifo}
[[ "$turns" =~ ^[1-9][0-9]*$ ]] || die "usage: ci/stats-cost.sh [TURNS [SCENARIOS [CONTENDERS]]]"

work=$(scratch)
trap 'rm -rf "$work"' EXIT
programs=${CARGO_TARGET_DIR:-target}/release

# built NAME FLAGS…: the program, under that name.
built() {
    local name=$1
    shift
    run cargo build --release -p nebula-resource-benches --bin rivals "$@"
    cp "$programs/rivals" "$work/$name"
}

heading "both programs"
built without --features __without_stats
built with
if cmp -s "$work/with" "$work/without"; then
    die "the feature changes nothing"
fi
run cargo build --release -p nebula-resource-benches --bin performance

# measure WHICH TURN
measure() {
    "$work/$1" --only "$scenarios" --contenders "$contenders" \
        --rounds "${ROUNDS:-3}" --millis "${MILLIS:-200}" --json "$work/$1-$2.json" >/dev/null
}

# Who goes first alternates: what the machine does every other minute happens to both.
heading "$turns turns"
for ((turn = 1; turn <= turns; turn++)); do
    note "turn $turn"
    if ((turn % 2)); then
        measure with "$turn"
        measure without "$turn"
    else
        measure without "$turn"
        measure with "$turn"
    fi
done

heading "with (these) and without (base)"
"$programs/performance" compare --these "$work"/with-*.json --base "$work"/without-*.json
