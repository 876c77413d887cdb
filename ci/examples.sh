#!/usr/bin/env bash
# Every example runs to its end, as a reader would run it. The quick start runs a second time
# against a real PostgreSQL: NEBULA_TEST_POSTGRES_URL, or a private one started for it. Those of the
# drivers get theirs in the same way.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# An example that takes longer hangs.
LIMIT=300

# The `required-features` that DIR/Cargo.toml gives to EXAMPLE, with commas between.
features_of() {
    awk -v wanted="$2" '
        /^\[/ { inside = ($0 == "[[example]]"); name = "" }
        inside && /^name *=/ { split($0, part, "\""); name = part[2] }
        inside && name == wanted && /^required-features *=/ {
            sub(/^[^[]*\[/, ""); sub(/\].*$/, ""); gsub(/[" ]/, ""); print
        }' "$1/Cargo.toml"
}

# run_example DIR NAME ARGS…
run_example() {
    local dir=$1 name=$2 features
    shift 2
    features=$(features_of "$dir" "$name")
    local cargo=(--release -p "$(package_in "$dir")" --example "$name")
    if [[ -n "$features" ]]; then
        cargo+=(--features "$features")
    fi
    heading "example $name${*:+ $*}"
    run cargo build "${cargo[@]}"
    # In the foreground: an interrupt has to reach it.
    run timeout --foreground "$LIMIT" cargo run --quiet "${cargo[@]}" -- "$@" </dev/null
}

need_postgres
need_redis

found=0
for source in examples/*.rs examples/*/main.rs {core,sync,async,drivers/*}/examples/*.rs; do
    if [[ ! -f "$source" ]]; then
        continue # a pattern that matched nothing
    fi
    found=$((found + 1))
    dir=${source%%examples/*}
    dir=${dir%/}
    dir=${dir:-.}
    name=${source%/main.rs}
    name=$(basename "$name" .rs)
    run_example "$dir" "$name"
    if [[ "$dir/$name" == ./quickstart || "$dir/$name" == ./multi_tenant ]]; then
        run_example "$dir" "$name" --postgres "$NEBULA_TEST_POSTGRES_URL"
    fi
done
((found > 0)) || die "no example found: has examples/ moved?"
