#!/usr/bin/env bash
# Unit and integration tests: first as a newcomer runs them (default features, no server anywhere),
# then with every feature and a real PostgreSQL and Redis.
#
#   ci/unit.sh                  both; starts private servers unless NEBULA_TEST_*_URL are set
#   ci/unit.sh --no-servers     the first only
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

nextest() { run cargo nextest run --config-file ci/nextest.toml --profile ci --workspace "$@"; }

case "${1:-}" in
    "" | --no-servers) ;;
    *) die "usage: ci/unit.sh [--no-servers]" ;;
esac

heading "default features, no server"
(unset NEBULA_TEST_POSTGRES_URL NEBULA_TEST_REDIS_URL && nextest)

if [[ "${1:-}" != --no-servers ]]; then
    heading "all features, with servers"
    need_postgres
    need_redis
    nextest --all-features # drivers/*: feature server-tests
fi
