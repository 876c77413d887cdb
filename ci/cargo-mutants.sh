#!/usr/bin/env bash
# cargo-mutants over core/: breaks every function and operator in turn and expects a test to turn red.
# What nothing catches must stand in ci/mutants-survivors.txt, with its reason. Some 1700 mutants: three
# quarters of an hour on two processors, so ci/test.sh does not call it.
#
#   ci/cargo-mutants.sh                       all files of core/
#   ci/cargo-mutants.sh permits.rs engine/    only those under core/src/ whose names begin so
#
# What an earlier run caught is not run again (target/cargo-mutants/results.tsv; remove it to start
# anew).
#
# cargo-mutants builds each mutant by itself: at ten seconds or more, half a day. So it only says what is
# to be broken; proofs/mutants puts all of it into one program, each behind a switch, and runs for each
# mutant the tests that reach it. The few that cannot be switched (a field left out, a constant, an
# answer of `impl Trait`) are for cargo-mutants itself.
#
# Works on a lean copy: one test binary instead of sixty, no drivers, and of the runtimes those with
# hand-moved time and the blocking door, which run the same bodies as the others.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

home=$ROOT/target/cargo-mutants
tree=$home/tree
survivors=$CI_DIR/mutants-survivors.txt

have cargo-mutants || die "cargo install cargo-mutants --version 27.1.0 --locked"

# Reads texts, servers, or clocks on the wall: no business of a mutant's.
LEFT_OUT='fault_rows faults_load faults_outage guarantees stress subcrates tidy'

# These two stand in for others, and are nobody's behaviour: see the reasons below.
NOT_MINE=(--exclude 'core/src/models.rs' --exclude 'core/src/models/**'
    --exclude 'core/src/primitives/modelled.rs' --exclude 'core/src/primitives/shuttled.rs'
    --exclude 'core/src/**/*_tests.rs' --exclude-re 'impl (fmt::)?Debug' --exclude-re '\btests::')

lean_manifest() {
    sed -e '/^members = \[/,/^\]/c members = ["core", "sync", "async"]' \
        -e '/^\[\[example\]\]/,$d' \
        -e '/^nebula-resource-\(postgres\|sqlite\|redis\|histories\|fault-proxy\) = { workspace = true/d' \
        -e '/^\(clap\|comfy-table\|indicatif\|hdrhistogram\|tempfile\) = { workspace = true/d' \
        -e 's/^autobenches = false/&\nautotests = false\nautoexamples = false/' Cargo.toml
    printf '\n[[test]]\nname = "all"\npath = "tests/all.rs"\n\n'
    printf '[profile.dev]\ndebug = 0\n\n[profile.test]\ndebug = 0\n'
}

# All integration tests in one crate: the root of each becomes a module.
one_crate() {
    local file
    printf '//! All.\n#![allow(unused)]\nmod support;\n'
    for file in "$tree"/tests/*.rs; do
        file=$(basename "$file" .rs)
        if [[ " $LEFT_OUT all " == *" $file "* ]] || grep -q 'nebula_resource_histories' "$tree/tests/$file.rs"; then
            continue
        fi
        sed -i 's/^mod support;/use crate::support;/' "$tree/tests/$file.rs"
        printf '#[path = "%s.rs"]\nmod %s;\n' "$file" "$file"
    done
}

copy_lean() {
    rm -rf "$tree"
    mkdir -p "$tree/.config"
    cp -a core sync async src tests README.md docs Cargo.lock "$tree/"
    lean_manifest >"$tree/Cargo.toml"
    one_crate >"$home/all.rs"
    mv "$home/all.rs" "$tree/tests/all.rs"
    # What is the root to a test's own modules is their parent now.
    sed -i -e 's/\bcrate::/super::/g' -e 's/super::support/crate::support/g' "$tree"/tests/*/*.rs
    printf '[profile.default]\nfail-fast = true\nfailure-output = "never"\nslow-timeout = { period = "20s", terminate-after = 1 }\n' \
        >"$tree/.config/nextest.toml"
}

CARGO_TARGET_DIR="$home/tool" run cargo build -p nebula-resource-mutants
copy_lean
from=$home/from
rm -rf "$from"
mkdir -p "$from/core"
cp -a "$tree/core/src" "$from/core/"
export CARGO_TARGET_DIR="$home/target"
export CARGO_PROFILE_DEV_DEBUG=false
# As cargo-mutants builds: it takes warnings for no reason to stop.
export RUSTFLAGS=--cap-lints=warn
tests=(--no-default-features --test all --lib)
ours=(-p nebula-resource -p nebula-resource-core -p nebula-resource-sync -p nebula-resource-async)

heading "the tests as they are"
(cd "$tree" && run cargo nextest run "${ours[@]}" "${tests[@]}" -E 'not test(/::threads$/)')

heading "core/, every mutant behind a switch"
(cd "$tree" && cargo mutants --list --json -p nebula-resource-core "${NOT_MINE[@]}") >"$home/list.json"
run "$home/tool/debug/nebula-resource-mutants" "$home/list.json" "$from" "$tree" "$home" "$@" -- \
    "${ours[@]}" "${tests[@]}"

heading "core/, mutant by mutant, where no switch fits"
cp -a "$from/core/src" "$tree/core/"
only=()
while read -r name; do
    only+=(-F "^$(sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$name")\$")
done <"$home/alone.names"
if ((${#only[@]})); then
    (cd "$tree" && run cargo mutants --in-place -p nebula-resource-core \
        --test-package nebula-resource,nebula-resource-core --test-tool nextest --no-default-features \
        --baseline skip --timeout 150 --build-timeout 150 --cap-lints=true --iterate \
        "${NOT_MINE[@]}" "${only[@]}" -o "$home/out" --no-times --colors never -- --test all --lib -E 'not test(/::threads$/)') || true
    cat "$home/out/mutants.out/missed.txt" >>"$home/missed.names"
fi

# Lines move: what is listed is the file and the change.
missed=$(cut -d: -f1,4- "$home/missed.names" | sed 's/: /\t/' | LC_ALL=C sort -u)
listed=$(grep -v '^#' "$survivors" | cut -f1,2 | LC_ALL=C sort -u)
new=$(comm -23 <(printf '%s\n' "$missed") <(printf '%s\n' "$listed") | sed '/^$/d')
if [[ -n "$new" ]]; then
    printf '%s\n' "$new" >&2
    die "nothing catches these: write a test, or list them in $survivors with the reason"
fi
note "every survivor is listed with its reason"
