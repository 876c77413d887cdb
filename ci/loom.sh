#!/usr/bin/env bash
# The models: loom runs every interleaving of the engine's protocols, twice, because the stand-in
# for the ring decides what can be found (docs/decisions). `ring` shows the memory order of two
# threads; `lock` is cheap enough for the protocol of three.
#
#   ci/loom.sh                    two preemptions, as on every change
#   ci/loom.sh --full             three, for a night
#   ci/loom.sh [--full] wakeup    only the models whose names contain the word
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The private feature that puts the mutex in the ring's place.
LOCK_FEATURE=nebula-resource-core/__loom_lock

profile=loom
preemptions=2
if [[ "${1:-}" == --full ]]; then
    shift
    profile=loom-full
    preemptions=3
fi

# Everything compiles differently under cfg(loom): a target directory of its own.
export CARGO_TARGET_DIR="$ROOT/target/loom"
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom"
export LOOM_MAX_PREEMPTIONS="${LOOM_MAX_PREEMPTIONS:-$preemptions}"
export LOOM_MAX_BRANCHES="${LOOM_MAX_BRANCHES:-20000}"

models() {
    run cargo nextest run --config-file ci/nextest.toml --profile "$profile" \
        -p nebula-resource-loom-tests --release "$@"
}

heading "models on the ring, $LOOM_MAX_PREEMPTIONS preemptions"
models "$@"

heading "models on the lock, $LOOM_MAX_PREEMPTIONS preemptions"
models --features "$LOCK_FEATURE" "$@"
