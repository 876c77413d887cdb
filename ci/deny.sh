#!/usr/bin/env bash
# Licences, duplicate and foreign crates (deny.toml). Optional: cargo-deny takes minutes to build,
# so this says that it was skipped where the tool is missing, and ci/test.sh does not call it.
# Advisories are left out: their database has to be fetched, and the check must work without.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if ! cargo deny --version >/dev/null 2>&1; then
    note "skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"
    exit 0
fi
run cargo deny --all-features check bans licenses sources
