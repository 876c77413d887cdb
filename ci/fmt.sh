#!/usr/bin/env bash
# The sources are formatted.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

run cargo fmt --all -- --check
