#!/usr/bin/env bash
# The models: loom runs every interleaving of the engine's protocols, twice, because the stand-in
# for the ring decides what can be found (docs/decisions). `ring` shows the memory order of two
# threads; `lock` is cheap enough for the protocol of three.
#
#   ci/loom.sh                    two preemptions, as on every change
#   ci/loom.sh --record           the same, and writes down how many executions each model has
#   ci/loom.sh --full             three, for a night
#   ci/loom.sh [--full] wakeup    only the models whose names contain the word
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The private feature that puts the mutex in the ring's place.
LOCK_FEATURE=__loom_lock

profile=loom
preemptions=2
recording=
if [[ "${1:-}" == --full ]]; then
    shift
    profile=loom-full
    preemptions=3
elif [[ "${1:-}" == --record ]]; then
    shift
    recording=$(mktemp)
    trap 'rm -f "$recording"' EXIT
    export LOOM_UNCOUNTED=1
fi

# Everything compiles differently under cfg(loom): a target directory of its own.
export CARGO_TARGET_DIR="$ROOT/target/loom"
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom"
export LOOM_MAX_PREEMPTIONS="${LOOM_MAX_PREEMPTIONS:-$preemptions}"
export LOOM_MAX_BRANCHES="${LOOM_MAX_BRANCHES:-20000}"

models() {
    local command=(cargo nextest run --config-file ci/nextest.toml --profile "$profile"
        -p nebula-resource-loom-tests --release "$@")
    if [[ -n "$recording" ]]; then
        run "${command[@]}" --success-output immediate 2>&1 | tee -a "$recording"
    else
        run "${command[@]}"
    fi
}

heading "models on the ring, $LOOM_MAX_PREEMPTIONS preemptions"
models "$@"

heading "models on the lock, $LOOM_MAX_PREEMPTIONS preemptions"
models --features "$LOCK_FEATURE" "$@"

if [[ -n "$recording" ]]; then
    awk '$1 == "executions" { print $2, $3, $4 }' "$recording" |
        LC_ALL=C sort >loom-tests/executions.txt
fi
