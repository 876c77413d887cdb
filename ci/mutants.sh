#!/usr/bin/env bash
# Breaks every line that the proofs rest on, one at a time, and expects a model to turn red: those
# lines carry a comment `// proof: NAME`, and ci/mutants.tsv says how each is broken. Works on a copy
# of the tree; yours stays as it is. Writes the table in docs/verification.md. Takes under ten
# minutes on two idle processors; ci/test.sh does not call it.
#
# A mutation is tried on the models that it names first, and on all others only if those stay green.
#
# That no model is red already is what ci/loom.sh is for.
#
#   ci/mutants.sh             all
#   ci/mutants.sh 'fence|^f'  only those whose names match, and only their rows of the table
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$CI_DIR/loom-lib.sh"

only=${1:-}
table=$CI_DIR/mutants.tsv
report=$ROOT/docs/verification.md
tree=$ROOT/target/mutants

# Built more often than run: quick builds count for more than quick models.
export CARGO_TARGET_DIR="$ROOT/target/mutants-build"
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1
export CARGO_INCREMENTAL=1
export RUSTFLAGS="$RUSTFLAGS -Awarnings"
export LOOM_MAX_PREEMPTIONS=2
# A broken engine may have fewer executions; that is no proof of anything.
export LOOM_UNCOUNTED=1

# Every marker has a mutation, and every mutation has its one marker.
marked() { grep -rhoE '// proof: [a-z0-9-]+' "$tree/core/src" "$tree/src" | awk '{ print $3 }' | sort; }
mutations() { grep -v '^#' "$table"; }

copy_tree() {
    rm -rf "$tree"
    mkdir -p "$tree"
    local entry
    for entry in *; do
        if [[ "$entry" != target ]]; then
            cp -a "$entry" "$tree/"
        fi
    done
}

# scenarios FILTER: the same, of the framework under shuttle (the tier of what src/ rests on).
scenarios() {
    (cd "$tree" && export CARGO_TARGET_DIR="$CARGO_TARGET_DIR-shuttle" SHUTTLE_RANDOM_SEED=1 && \
        RUSTFLAGS="${RUSTFLAGS/--cfg loom/--cfg shuttle}" \
        SHUTTLE_ITERATIONS=2000 timeout 1200 cargo nextest run --config-file ci/nextest.toml \
        --profile mutants -p nebula-resource-shuttle-tests --test framework --release -E "$1") \
        >"$tree/log" 2>&1 </dev/null
}

# models TIER FILTER: runs the models of that tier that match, in the copy, until one fails.
models() {
    if [[ "$1" == shuttle ]]; then
        scenarios "$2"
        return
    fi
    local features=()
    if [[ "$1" == lock ]]; then
        features=(--features "$LOCK_FEATURE")
    fi
    # A model that a mutation has made endless counts as red.
    (cd "$tree" && timeout 1200 cargo nextest run --config "$loom_config" --config-file ci/nextest.toml \
        --profile mutants -p nebula-resource-loom-tests --release "${features[@]}" -E "$2") >"$tree/log" 2>&1 </dev/null
}

# What the log says of why: the test that failed, or nothing when the build did.
culprit() {
    awk '$1 ~ /^(FAIL|SIGABRT|SIGSEGV|TIMEOUT|TRY|SIGKILL|SIGTERM)$/ { print $NF; exit }' "$tree/log"
}

# to_filter "a|b": nextest's way to say it.
to_filter() { printf 'test(/%s/)' "$1"; }

# Answers in $caught who caught it, or fails.
run_mutant() {
    local tier=$1 filter=$2 round
    local all=("ring all()" "lock all()")
    if [[ "$tier" == shuttle ]]; then
        all=("shuttle all()")
    fi
    for round in "$tier $(to_filter "$filter")" "${all[@]}"; do
        if ! models "${round%% *}" "${round#* }"; then
            caught=$(culprit)
            if [[ -z "$caught" ]]; then
                tail -n 40 "$tree/log" >&2
                die "the mutated tree does not build"
            fi
            caught="\`$caught\` (${round%% *})"
            return
        fi
    done
    return 1
}

# The rows of this run, and of what it left out those of an earlier one, in the order of the list.
all_rows() {
    local name
    printf '| proof | where | what is broken | the model that turns red |\n|---|---|---|---|\n'
    mutations | cut -f1 | awk '!seen[$0]++' | while read -r name; do
        grep -F "| \`$name\` |" "$rows" || grep -F "| \`$name\` |" "$report" || true
    done
}

# write_table ROWS-FILE
write_table() {
    awk -v rows="$1" '
        /<!-- mutants: end -->/ { inside = 0 }
        !inside { print }
        /<!-- mutants: begin -->/ {
            inside = 1
            while ((getline line < rows) > 0) print line
        }' "$report" >"$tree/report"
    cp "$tree/report" "$report"
}

need_loom
copy_tree
if ! diff <(marked) <(mutations | cut -f1 | sort -u); then
    die "markers (<) and $table (>) do not match"
fi
heading "broken"
rows=$tree/rows
: >"$rows"
uncaught=()
number=0
while IFS=$'\t' read -r name tier filter change; do
    if [[ ! "$name" =~ $only ]]; then
        continue
    fi
    number=$((number + 1))
    began=$SECONDS
    file=$(cd "$tree" && grep -rlE "// proof: $name( |\$)" core/src src)
    cp "$tree/$file" "$tree/kept"
    sed "/\/\/ proof: $name\( \|\$\)/{n; $change
}" "$tree/kept" >"$tree/$file"
    if cmp -s "$tree/kept" "$tree/$file"; then
        die "$name: the mutation changes nothing"
    fi
    broken=$({ diff "$tree/kept" "$tree/$file" || true; } | sed -n 's/^< *//p' | head -n 1 | sed 's/|/\\|/g')
    if run_mutant "$tier" "$filter"; then
        note "$(printf '%-28s %4ss  %s' "$name" "$((SECONDS - began))" "$caught")"
    else
        caught="**nothing**"
        uncaught+=("$name ($change)")
        note "$(printf '%-28s %4ss  NOT CAUGHT' "$name" "$((SECONDS - began))")"
    fi
    printf '| `%s` | `%s` | `%s` | %s |\n' "$name" "${file#core/src/}" "$broken" "$caught" >>"$rows"
    # Not with its old time, by which cargo would take the mutated build for the newer one.
    cp "$tree/kept" "$tree/$file"
done < <(mutations)

all_rows >"$rows.all"
write_table "$rows.all"
heading "$number mutations, ${#uncaught[@]} not caught, $(span "$SECONDS")"
if ((${#uncaught[@]})); then
    printf 'not caught: %s\n' "${uncaught[@]}" >&2
    exit 1
fi
