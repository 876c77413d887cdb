#!/usr/bin/env bash
# The cancellation storm: so many acquires are cancelled, by tasks and threads, on pools of every
# facade; no object, no permit and no memory may be missing thereafter.
#
#   ci/storm.sh [COUNT [SEED]]    ten million, if not told otherwise
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

arguments=(--acquires "${1:-10000000}")
if [[ -n "${2:-}" ]]; then
    arguments+=(--seed "$2")
fi
cargo=(--release -p nebula-resource-soak --features smol --bin storm)
run cargo build "${cargo[@]}"
run cargo run --quiet "${cargo[@]}" -- "${arguments[@]}"
