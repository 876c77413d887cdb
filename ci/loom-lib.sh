# shellcheck shell=bash
# Shared by the scripts that run models: how the workspace is built for loom, and by which loom.
# Sourced after lib.sh, never run.

# Loom leaves out orders of steps that it takes for the same as one it has tried; for that it remembers
# the last access to each atomic. One is not enough: in a compare-and-swap loop the loop's own load hides
# that somebody else has read the word before, and the order in which the swap comes first is never
# tried. `loom.patch` makes it one access per thread. With it the permits, which every step reads and every
# change swaps, are explored in four times as many orders.
loom_version=$(sed -n '/^name = "loom"$/{n;s/.*"\(.*\)"/\1/p;}' "$ROOT/Cargo.lock")
loom_source=$ROOT/target/loom-$loom_version

# Puts the patched source where `loom_config` says it is.
need_loom() {
    if [[ -f "$loom_source/patched" ]] && cmp -s "$CI_DIR/loom.patch" "$loom_source/patched"; then
        return
    fi
    cargo fetch --quiet
    local found=("${CARGO_HOME:-${HOME:-/root}/.cargo}"/registry/src/*/"loom-$loom_version")
    [[ -d "${found[0]}" ]] || die "the source of loom $loom_version is not in the registry"
    rm -rf "$loom_source"
    mkdir -p "$ROOT/target"
    cp -r "${found[0]}" "$loom_source"
    # Without a repository around it: git would leave out what it takes for ignored.
    (cd "$loom_source" && GIT_CEILING_DIRECTORIES=$(dirname "$loom_source") git apply "$CI_DIR/loom.patch")
    cp "$CI_DIR/loom.patch" "$loom_source/patched"
}

# For cargo: takes the place of the registry's, and leaves Cargo.lock alone.
loom_config="paths=[\"$loom_source\"]"

# Everything compiles differently under cfg(loom): a target directory of its own.
export CARGO_TARGET_DIR="$ROOT/target/loom"
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
# A count that falls below nothing ends a model.
export CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
export CARGO_PROFILE_RELEASE_DEBUG=0
export RUSTFLAGS="${RUSTFLAGS:-} --cfg loom"
export LOOM_MAX_BRANCHES="${LOOM_MAX_BRANCHES:-20000}"

# The private feature that puts the mutex in the ring's place.
LOCK_FEATURE=__loom_lock
