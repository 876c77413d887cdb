#!/usr/bin/env bash
# Which lines of core/, async/ and sync/ no test runs: the unit and integration tests that need no
# server, with every runtime adapter, on a build that counts. Prints a table and every line that was
# not run, as FILE:LINES; docs/verification.md ("Coverage") says why those that are left are left. Some
# six minutes on two processors, nearly all of it building, and two gigabytes, which it removes;
# ci/test.sh does not call it.
#
#   ci/coverage.sh
#   ci/coverage.sh --keep     leaves target/coverage behind
#   ci/coverage.sh --again    prints once more what the last run with --keep has measured
#
# Needs cargo-llvm-cov, and llvm-cov of an LLVM as new as the compiler's: Debian's llvm-22, rustup's
# component llvm-tools, or what LLVM_COV and LLVM_PROFDATA name.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

keep=
measured=
failed=
case "${1:-}" in
    "") ;;
    --keep) keep=yes ;;
    --again) keep=yes measured=yes ;;
    *) die "usage: ci/coverage.sh [--keep | --again]" ;;
esac

have cargo-llvm-cov || die "cargo install cargo-llvm-cov --version 0.9.1 --locked"
if [[ -z "${LLVM_COV:-}" && -x /usr/lib/llvm-22/bin/llvm-cov ]]; then
    export LLVM_COV=/usr/lib/llvm-22/bin/llvm-cov LLVM_PROFDATA=/usr/lib/llvm-22/bin/llvm-profdata
fi
export CARGO_LLVM_COV_SETUP=no # asks nobody, installs nothing

export CARGO_TARGET_DIR="$ROOT/target/coverage"
packages=(-p nebula-resource -p nebula-resource-core -p nebula-resource-async -p nebula-resource-sync)
counts=$CARGO_TARGET_DIR/lcov.info

# What stands in for something else in a model, and what is a test itself.
LEFT_OUT='/(models|testing|[a-z_]*tests)\.rs$|/(models|tests)/|/primitives/(modelled|shuttled)\.rs$'

measure() {
    heading "the tests, on a build that counts"
    (
        unset NEBULA_TEST_POSTGRES_URL NEBULA_TEST_REDIS_URL
        run cargo llvm-cov nextest --no-report --config-file ci/nextest.toml --profile ci \
            "${packages[@]}" --features smol
    ) || failed=yes
    run cargo llvm-cov report --lcov --output-path "$counts" "${packages[@]}"
}

# The counts as lines of FILE LINE COUNT, without the test modules at the feet of the files.
counted() {
    awk -v root="$ROOT/" -v left_out="$LEFT_OUT" '
        function foot(file,    line, number) {
            while ((getline line <(root file)) > 0) {
                number++
                if (line ~ /^mod [a-z_]*tests \{/) break
            }
            close(root file)
            return number
        }
        /^SF:/ {
            file = substr($0, 4)
            sub("^" root, "", file)
            ours = file ~ /^(core|async|sync)\/src\// && file !~ left_out
            if (ours) end = foot(file)
        }
        /^DA:/ && ours {
            split(substr($0, 4), at, ",")
            if (at[1] <= end) print file, at[1], at[2]
        }' "$counts" | sort -k1,1 -k2,2n
}

# A table, and then what was not run.
report() {
    awk '
        function whole(n) { return sprintf("%6d of %6d  %6.2f %%", run[n], all[n], 100 * run[n] / all[n]) }
        function flush() {
            if (from) missed[++holes] = file ":" from (to > from ? "-" to : "")
            from = 0
        }
        {
            if ($1 != file || $3 > 0 || $2 > to + 1) flush()
            if ($1 != file) { file = $1; names[++files] = file }
            split(file, part, "/")
            split(part[1] " all", sums, " ")
            sums[3] = file
            for (i in sums) { all[sums[i]]++; run[sums[i]] += $3 > 0 }
            if ($3 == 0) { if (!from) from = $2; to = $2 }
        }
        END {
            flush()
            for (i = 1; i <= files; i++) printf "%s  %s\n", whole(names[i]), names[i]
            print ""
            split("core async sync all", sums, " ")
            for (i = 1; i <= 4; i++) printf "%s  %s\n", whole(sums[i]), sums[i]
            print "\nnot run:"
            for (i = 1; i <= holes; i++) print missed[i]
        }'
}

if [[ -z "$keep" ]]; then
    trap 'rm -rf "$CARGO_TARGET_DIR"' EXIT
fi
[[ -n "$measured" ]] || measure
[[ -s "$counts" ]] || die "nothing is measured: ci/coverage.sh --keep"
heading "lines run"
counted | report
[[ -z "$failed" ]] || die "not all tests passed"
