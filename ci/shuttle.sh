#!/usr/bin/env bash
# Random schedules of both facades and of the framework as they are shipped, under shuttle: every
# scenario by two schedulers. A schedule that fails is kept in target/shuttle/failures; how to replay it is written in
# shuttle-tests/src/lib.rs.
#
#   ci/shuttle.sh                 a few hundred schedules of each, from a fixed seed
#   ci/shuttle.sh --full          at least 100 000 in all, from another seed each time
#   ci/shuttle.sh [--full] turns  only the scenarios whose names contain the word
#
# SHUTTLE_ITERATIONS (schedules of each) and SHUTTLE_RANDOM_SEED are taken over if they are set.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What the full run has at least, when it runs all scenarios.
FULL=100000

full=
if [[ "${1:-}" == --full ]]; then
    shift
    full=yes
fi

# Everything compiles differently under cfg(shuttle): a target directory of its own.
export CARGO_TARGET_DIR="$ROOT/target/shuttle"
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export RUSTFLAGS="${RUSTFLAGS:-} --cfg shuttle"
export SHUTTLE_SCHEDULES="$CARGO_TARGET_DIR/failures"
mkdir -p "$SHUTTLE_SCHEDULES"

scenarios=(-p nebula-resource-shuttle-tests --release "$@")
tests=$(cargo nextest list "${scenarios[@]}" --message-format oneline | grep -c ' ') || true
((tests > 0)) || die "no such scenario: $*"

if [[ -n "$full" ]]; then
    all=$(cargo nextest list "${scenarios[@]:0:3}" --message-format oneline | grep -c ' ')
    export SHUTTLE_ITERATIONS="${SHUTTLE_ITERATIONS:-$(((FULL + all - 1) / all))}"
    export SHUTTLE_RANDOM_SEED="${SHUTTLE_RANDOM_SEED:-$RANDOM$RANDOM$RANDOM}"
else
    export SHUTTLE_ITERATIONS="${SHUTTLE_ITERATIONS:-250}"
    export SHUTTLE_RANDOM_SEED="${SHUTTLE_RANDOM_SEED:-1}"
fi

heading "$tests scenarios, $SHUTTLE_ITERATIONS schedules each, seed $SHUTTLE_RANDOM_SEED"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
run cargo nextest run --config-file ci/nextest.toml --profile shuttle \
    --success-output immediate "${scenarios[@]}" 2>&1 | tee "$output" |
    grep -vE '^ *(running 1 test|test .* \.\.\. ok|test result: .*|stdout ─+|)$' |
    { [[ -n "$full" ]] && cat >/dev/null || cat; } || die "a schedule failed: $SHUTTLE_SCHEDULES"

# Each scenario says how many schedules it ran; one that ran fewer, or none, has proved less than it
# says.
awk -v tests="$tests" -v asked="$SHUTTLE_ITERATIONS" -v full="$full" '
    $1 == "schedules" {
        runs++; total += $4; seconds += $5
        if ($4 != asked) { print "error: " $2 " ran " $4 " schedules"; wrong = 1 }
        if (full) printf "    %-28s %-7s %7d schedules %8.1f s %6d steps each\n", $2, $3, $4, $5, $6
    }
    END {
        printf "    %d schedules of %d scenarios in %.0f s of computing\n", total, runs, seconds
        if (runs != tests) { print "error: " tests " scenarios were to be run"; wrong = 1 }
        exit wrong
    }
' "$output" | LC_ALL=C sort
