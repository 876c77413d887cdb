#!/usr/bin/env bash
# The models: loom runs every interleaving of the engine's protocols, twice, because the stand-in
# for the ring decides what can be found (docs/decisions). `ring` shows the memory order of two
# threads; `lock` is cheap enough for the protocol of three.
#
#   ci/loom.sh                    two preemptions, as on every change
#   ci/loom.sh --record           the same, and writes down how many executions each model has
#   ci/loom.sh --full             three, for a night (two hours of an idle machine); writes down how
#                                 many executions there were
#   ci/loom.sh [--full] wakeup    only the models whose names contain the word
#   ci/loom.sh --table            only docs/models.md, from what was written down
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$CI_DIR/loom-lib.sh"

counts=$ROOT/loom-tests/executions.txt
full_counts=$ROOT/loom-tests/executions-full.txt
document=$ROOT/docs/models.md

profile=loom
preemptions=2
mode=
case "${1:-}" in
    --full | --record | --table)
        mode=$1
        shift
        ;;
esac
if [[ "$mode" == --full ]]; then
    profile=loom-full
    preemptions=3
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export LOOM_MAX_PREEMPTIONS="${LOOM_MAX_PREEMPTIONS:-$preemptions}"

# run_models ARGS…: of one tier.
run_models() {
    local command=(cargo nextest run --config "$loom_config" --config-file ci/nextest.toml
        --profile "$profile" -p nebula-resource-loom-tests --release --success-output immediate)
    # Only what failed is worth reading; and of a few models, how many executions there were.
    local noise='^ *$|stdout ───|running 1 test|^ *test .* \.\.\. ok|test result: ok'
    if [[ -z "${word:-}" ]]; then
        noise+='|^ *executions '
    fi
    run "${command[@]}" "$@" 2>&1 | tee -a "$log" | grep --line-buffered -vE "$noise"
}

# tier NAME ARGS…
tier() {
    local name=$1 began=$SECONDS before
    shift
    before=$(sum "$name")
    heading "models on the $name, $LOOM_MAX_PREEMPTIONS preemptions"
    run_models "$@" ${word:+"$word"}
    seconds[$name]=$((SECONDS - began))
    note "$(counted "$name") models on the $name, $(($(sum "$name") - before)) executions, $(span "${seconds[$name]}")"
}

sum() { awk -v tier="$1" '$1 == "executions" && $2 == tier { n += $4 } END { print n + 0 }' "$log"; }
counted() { awk -v tier="$1" '$1 == "executions" && $2 == tier { n += 1 } END { print n + 0 }' "$log"; }

# write_counts FILE: what was counted, sorted; of a full run, with how long it took.
write_counts() {
    local name
    {
        if [[ "$mode" == --full ]]; then
            for name in ring lock; do
                printf '# %s: %s\n' "$name" "$(span "${seconds[$name]}")"
            done
        fi
        awk '$1 == "executions" { print $2, $3, $4 }' "$log" | LC_ALL=C sort
    } >"$1"
}

# One row for each model, its cases added up.
write_table() {
    local rows
    rows=$(awk '
        $1 == "#" { next }
        {
            split($2, name, "::")
            model = name[1]
            full = FILENAME ~ /full/
            count[model, $1, full] += $3
            if (!full) {
                if (!((model, name[2]) in seen)) {
                    cases[model] = cases[model] (cases[model] == "" ? "" : ", ") name[2]
                    seen[model, name[2]] = 1
                }
                models[model] = 1
                total[$1] += $3; number[$1]++
            } else { total_full[$1] += $3; number_full[$1]++ }
        }
        function shown(n) { return n == "" ? "–" : n }
        END {
            for (model in models)
                printf "| `%s` | %s | %s | %s | %s | %s |\n", model, cases[model],
                    shown(count[model, "ring", 0]), shown(count[model, "lock", 0]),
                    shown(count[model, "ring", 1]), shown(count[model, "lock", 1]) | "LC_ALL=C sort"
            close("LC_ALL=C sort")
            printf "| **%d on the ring, %d on the lock** | | **%d** | **%d** | **%s** | **%s** |\n",
                number["ring"], number["lock"], total["ring"], total["lock"],
                shown(total_full["ring"]), shown(total_full["lock"])
        }' "$counts" "$full_counts")
    awk -v rows="$rows" '
        /<!-- models: end -->/ { inside = 0 }
        !inside { print }
        /<!-- models: begin -->/ {
            inside = 1
            print "| model | cases | ring, 2 | lock, 2 | ring, 3 | lock, 3 |"
            print "|---|---|---|---|---|---|"
            print rows
        }' "$document" >"$log"
    cp "$log" "$document"
}

if [[ "$mode" != --table ]]; then
    declare -A seconds=()
    word=${1:-}
    if [[ "$mode" == --record ]]; then
        export LOOM_UNCOUNTED=1
    fi
    need_loom
    tier ring
    tier lock --features "$LOCK_FEATURE"
fi
if [[ -z "${word:-}" ]]; then
    case "$mode" in
        --record) write_counts "$counts" ;;
        --full) write_counts "$full_counts" ;;
    esac
fi
if [[ -n "$mode" && -z "${word:-}" ]]; then
    write_table
fi
