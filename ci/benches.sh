#!/usr/bin/env bash
# The benchmarks build. Running them is for a quiet machine, not for a check.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

run cargo build --release -p nebula-resource-benches --features metrics \
    --bins --bench uncontended --bench managed --bench listening
