#!/usr/bin/env bash
# Who depends on whom: what must stay out of whose tree, and which way the arrows between our own
# crates point (cli -> drivers -> nebula-resource -> {async, sync} -> core).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

faults=0
fault() {
    printf 'error: %s\n' "$*" >&2
    faults=$((faults + 1))
}

# The crates that `cargo tree` names, one per line.
crates() {
    local tree
    tree=$(cargo tree --quiet --prefix none --format '{p}' "$@")
    awk 'NF { print $1 }' <<<"$tree" | sort -u
}

# absent "TREE ARGS" CRATE…: none of the crates is in that tree.
absent() {
    local args=$1 tree crate
    shift
    # shellcheck disable=SC2086 # several arguments in one string, on purpose
    tree=$(crates $args)
    note "$args: $(wc -l <<<"$tree" | tr -d ' ') crates, none of: $*"
    for crate in "$@"; do
        if grep -qxF "$crate" <<<"$tree"; then
            fault "cargo tree $args holds $crate"
        fi
    done
}

runtimes="tokio smol async-std async-io async-executor futures-executor"
heading "what must stay out"
# shellcheck disable=SC2086
{
    absent "-p nebula-resource-core -e normal --all-features" $runtimes loom shuttle
    absent "-p nebula-resource-sync -e normal --all-features" $runtimes loom shuttle
    absent "-p nebula-resource-async -e normal --no-default-features" $runtimes loom shuttle
    absent "-p nebula-resource -e normal --no-default-features" $runtimes loom shuttle
    absent "-p nebula-resource -e normal" smol async-io loom shuttle
    absent "-p nebula-resource -e normal --no-default-features --features smol" tokio loom shuttle
}

# The crates of ours that CRATE may name in its [dependencies].
allowed() {
    local core=nebula-resource-core
    local facades="nebula-resource-sync nebula-resource-async"
    case $1 in
        nebula-resource-core) ;;
        nebula-resource-sync | nebula-resource-async | nebula-resource-loom-tests) echo "$core" ;;
        nebula-resource-histories | nebula-resource-mutants) ;;
        nebula-resource-shuttle-tests) echo "$core $facades nebula-resource nebula-resource-histories" ;;
        nebula-resource) echo "$core $facades" ;;
        nebula-resource-fault-proxy) echo "nebula-resource-async" ;;
        nebula-resource-soak) echo "$core $facades nebula-resource" ;;
        nebula-resource-benches) echo "$core $facades nebula-resource $drivers" ;;
        *)
            if [[ " $drivers " != *" $1 "* ]]; then
                die "$1 is new: say in ci/tree.sh what it may depend on"
            fi
            echo "$core $facades nebula-resource"
            ;;
    esac
}

# arrows CRATE EDGES: what CRATE names is allowed.
arrows() {
    local crate=$1 target targets may
    may=" $1 $(allowed "$1") "
    targets=$(crates -p "$crate" -e "$2" --depth 1 --target all --all-features)
    for target in $targets; do
        if [[ "$target" == nebula-resource* && "$may" != *" $target "* ]]; then
            fault "$crate may not depend on $target ($2)"
        fi
    done
}

heading "which way the arrows point"
drivers=
for dir in drivers/*/; do
    drivers+="$(package_in "$dir") "
done
members=$(crates --workspace --depth 0)
for member in $members; do
    arrows "$member" normal,build
done
arrows nebula-resource-core dev # the engine's own tests know nothing above it either
note "$(wc -w <<<"$members" | tr -d ' ') crates of ours looked at"

((faults == 0)) || die "$faults in all"
