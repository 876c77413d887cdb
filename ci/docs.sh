#!/usr/bin/env bash
# The documentation builds without a warning, and its examples work.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

heading "rustdoc"
RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings" \
    run cargo doc --workspace --no-deps --all-features

heading "documentation tests"
run cargo test --doc --workspace --all-features
