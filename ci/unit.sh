#!/usr/bin/env bash
# Unit and integration tests: first as a newcomer runs them (default features, no server anywhere),
# then with every feature and a real PostgreSQL.
#
#   ci/unit.sh                  both; starts a private server unless NEBULA_TEST_POSTGRES_URL is set
#   ci/unit.sh --no-servers     the first only
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

nextest() { run cargo nextest run --config-file ci/nextest.toml --profile ci --workspace "$@"; }

case "${1:-}" in
    "" | --no-servers) ;;
    *) die "usage: ci/unit.sh [--no-servers]" ;;
esac

heading "default features, no server"
(unset NEBULA_TEST_POSTGRES_URL && nextest)

if [[ "${1:-}" != --no-servers ]]; then
    heading "all features, with servers"
    need_postgres
    nextest --all-features # drivers/*: feature server-tests
fi
