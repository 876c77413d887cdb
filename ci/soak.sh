#!/usr/bin/env bash
# Uses pools of every kind in every way, from tokio, smol and threads at once, against a factory that
# fails, hangs, panics and lies. Prints the seed; with the seed, the plan of that run again.
#
#   ci/soak.sh SECONDS [SEED]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

(($# == 1 || $# == 2)) || die "usage: ci/soak.sh SECONDS [SEED]"
arguments=(--seconds "$1")
if [[ -n "${2:-}" ]]; then
    arguments+=(--seed "$2")
fi
cargo=(--release -p nebula-resource-soak --features smol --bin soak)
run cargo build "${cargo[@]}"
run cargo run --quiet "${cargo[@]}" -- "${arguments[@]}"
