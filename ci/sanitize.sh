#!/usr/bin/env bash
# Runs what threads fight over (the stress, facade, cancellation and linearizability tests, and a
# short soak) under ThreadSanitizer and AddressSanitizer, which includes LeakSanitizer.
#
# AddressSanitizer needs a nightly toolchain. ThreadSanitizer needs a standard library that is
# instrumented too, or it reports what it cannot see; rustup has none, and building one needs a
# compiler with its sources: Debian's rustc-web and rust-web-src, and rustup's runtime library. Where
# that is missing, the check says so and is skipped.
#
#   ci/sanitize.sh                       both
#   ci/sanitize.sh thread                one of: thread address
#   ci/sanitize.sh --install [thread]    gets what is missing first (needs apt-get and root)
#   SOAK_SECONDS=60 ci/sanitize.sh       a longer soak (default: 20)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

HOST=x86_64-unknown-linux-gnu
DEBIAN_RUSTC=/usr/bin/rustc
DEBIAN_LIBS=/usr/lib/rustlib/$HOST/lib
SOAK_SECONDS=${SOAK_SECONDS:-20}

# What is tested; those that are not there are left out.
TESTS=(stress facades bug_alarm_taken_back)
# The same, but no leaks are looked for. The first leaks its pools on purpose; the others move the
# clock by hand: a job that waits for a time to which the test does not come any more is held by
# that clock, and holds it.
LEAKING=(linearizable faults_cancel faults_handles)

has_nightly() { cargo +nightly --version >/dev/null 2>&1; }

install_thread() {
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        rustc-web rust-web-src
    local runtime
    runtime=$(rustc +stable --print sysroot)/lib/rustlib/$HOST/lib/librustc-stable_rt.tsan.a
    run cp "$runtime" "$DEBIAN_LIBS/"
}

install_nightly() {
    if ! has_nightly; then
        run rustup toolchain install nightly --profile minimal
    fi
}

# Why it cannot be done here; nothing if it can.
missing_for_thread() {
    if ! has_nightly; then
        echo "there is no nightly toolchain"
    elif ! compgen -G "$DEBIAN_LIBS/librustc-stable_rt.tsan.a" >/dev/null; then
        echo "there is no compiler whose standard library can be instrumented ($DEBIAN_RUSTC)"
    elif ! "$DEBIAN_RUSTC" --version >/dev/null 2>&1; then
        echo "$DEBIAN_RUSTC does not run"
    fi
}

missing_for_address() {
    if ! has_nightly; then
        echo "there is no nightly toolchain"
    fi
}

# tests NAME…: answers in $named how cargo is told of those that are there.
tests() {
    local test
    named=()
    for test in "$@"; do
        if [[ -e "tests/$test.rs" ]]; then
            named+=(--test "$test")
        fi
    done
}

# checked CARGO-ARGS…: the soak and the tests, with the environment as it is.
checked() {
    local began=$SECONDS named
    # First, because less has to be built for it. The clock of a sanitizer is slow: whoever waits is
    # given more time.
    run cargo +nightly run --target "$HOST" "$@" -p nebula-resource-soak --features smol \
        --bin soak -- --seconds "$SOAK_SECONDS" --patience 120
    note "the soak: no report, in $(span $((SECONDS - began)))"
    tests "${TESTS[@]}"
    run cargo +nightly test --target "$HOST" "$@" -p nebula-resource "${named[@]}"
    tests "${LEAKING[@]}"
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" \
        run cargo +nightly test --target "$HOST" "$@" -p nebula-resource "${named[@]}"
    note "no report, in $(span $((SECONDS - began)))"
}

# Unoptimised, an instrumented program is too slow to meet anybody.
export CARGO_PROFILE_DEV_OPT_LEVEL=1

check_thread() {
    CARGO_TARGET_DIR="$ROOT/target/tsan" RUSTC="$DEBIAN_RUSTC" RUSTC_BOOTSTRAP=1 \
        RUSTFLAGS="-Zsanitizer=thread" \
        TSAN_OPTIONS="exitcode=66:suppressions=$CI_DIR/tsan.supp" \
        checked -Zbuild-std
}

check_address() {
    CARGO_TARGET_DIR="$ROOT/target/asan" RUSTFLAGS="-Zsanitizer=address" \
        ASAN_OPTIONS="exitcode=66:detect_leaks=1" \
        checked
}

install=
if [[ "${1:-}" == --install ]]; then
    install=yes
    shift
fi
if (($# == 0)); then
    set -- address thread
fi
for what in "$@"; do
    [[ $what == thread || $what == address ]] || die "what is '$what'? one of: thread address"
    heading "$what sanitizer"
    if [[ -n "$install" ]]; then
        install_nightly
        if [[ $what == thread && -n "$(missing_for_thread)" ]]; then
            install_thread
        fi
    fi
    reason=$("missing_for_$what")
    if [[ -n "$reason" ]]; then
        note "skipped: $reason (ci/sanitize.sh --install $what)"
        continue
    fi
    "check_$what"
done
