#!/usr/bin/env bash
# No lint fires: on every target, with every set of features that a user may choose, and on the
# builds for loom and for shuttle, which no other check compiles with warnings denied.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

clippy() {
    heading "clippy ${*:-with the default features}"
    run cargo clippy --workspace --all-targets "$@" -- -D warnings
}

clippy
clippy --no-default-features
clippy --features smol
clippy --all-features

heading "clippy under cfg(loom)"
RUSTFLAGS="${RUSTFLAGS:-} --cfg loom" CARGO_TARGET_DIR="$ROOT/target/loom" \
    run cargo clippy -p nebula-resource-loom-tests --all-targets -- -D warnings

heading "clippy under cfg(shuttle)"
RUSTFLAGS="${RUSTFLAGS:-} --cfg shuttle" CARGO_TARGET_DIR="$ROOT/target/shuttle" \
    run cargo clippy -p nebula-resource-shuttle-tests --all-targets -- -D warnings
