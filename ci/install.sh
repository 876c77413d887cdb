#!/usr/bin/env bash
# Installs what the checks need and this machine lacks; what is there already stays as it is.
#
#   ci/install.sh                     everything below
#   ci/install.sh nextest             only what is named: rust, compiler, nextest, postgres, redis,
#                                     prometheus
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The release that these scripts were written against: taken when the newest one does not build,
# for instance because it wants a newer compiler than ours.
NEXTEST_FALLBACK=0.9.143

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        die "neither root nor sudo without a password: please run as root: $*"
    fi
}

apt() {
    run as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -yqq -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold \
        "$@" </dev/null
}

install_rust() {
    have cargo || die "no cargo: install Rust first; that is the one thing we expect to find"
    local component
    for component in rustfmt clippy; do
        if ! cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1; then
            run rustup component add "$component" ||
                die "no $component, and rustup could not add it"
        fi
    done
    note "$(rustc --version)"
}

install_compiler() {
    if ! have cc; then
        if have apt-get; then
            apt update
            apt install --no-install-recommends gcc libc6-dev
        elif have dnf; then
            run as_root dnf -y install gcc glibc-devel
        elif have apk; then
            run as_root apk add gcc musl-dev
        else
            die "no C compiler (cc), and no package manager that we know: install one by hand"
        fi
    fi
    note "$(cc --version | head -n 1)"
}

install_nextest() {
    if ! cargo nextest --version >/dev/null 2>&1; then
        # Unoptimised and without the self-updater: much less to build, and as quick at work.
        local slim=(--debug --no-default-features --features default-no-update)
        run cargo install --locked cargo-nextest "${slim[@]}" ||
            run cargo install --locked cargo-nextest --debug --version "$NEXTEST_FALLBACK" ||
            die "cargo-nextest could not be built; see above"
    fi
    note "$(cargo nextest --version | head -n 1)"
}

# Debian would start a server on the default port as soon as it is installed; ours is private.
apt_install_postgres() {
    local settings=/etc/postgresql-common/createcluster.conf
    apt update
    if [[ ! -e "$settings" ]]; then
        apt install --no-install-recommends postgresql-common
        run as_root sed -i 's/^#*\(create_main_cluster\) .*$/\1 = false/' "$settings"
    fi
    apt install --no-install-recommends postgresql
}

install_postgres() {
    if ! "$CI_DIR/postgres.sh" find >/dev/null 2>&1; then
        if have apt-get; then
            apt_install_postgres
        elif have dnf; then
            run as_root dnf -y install postgresql-server
        elif have apk; then
            run as_root apk add postgresql
        elif have brew; then
            run brew install postgresql
        else
            die "no PostgreSQL (initdb, pg_ctl), and no package manager that we know"
        fi
    fi
    local bin
    bin=$("$CI_DIR/postgres.sh" find)
    note "$("$bin/pg_ctl" --version) in $bin"
}

# Debian would start a server on the default port as soon as it is installed; this is how one tells it
# not to. Where somebody has said so already, that stays.
apt_install_quietly() {
    local policy=/usr/sbin/policy-rc.d status=0
    apt update
    if [[ -e "$policy" ]]; then
        apt install --no-install-recommends "$1"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
    apt install --no-install-recommends "$1" || status=$?
    as_root rm -f "$policy"
    return "$status"
}

install_redis() {
    if ! "$CI_DIR/redis.sh" find >/dev/null 2>&1; then
        if have apt-get; then
            apt_install_quietly redis-server
        elif have dnf; then
            run as_root dnf -y install redis
        elif have apk; then
            run as_root apk add redis
        elif have brew; then
            run brew install redis
        else
            die "no redis-server, and no package manager that we know"
        fi
    fi
    note "$("$("$CI_DIR/redis.sh" find)" --version)"
}

install_prometheus() {
    if ! "$CI_DIR/prometheus.sh" find >/dev/null 2>&1; then
        if have apt-get; then
            apt_install_quietly prometheus
        elif have dnf; then
            run as_root dnf -y install golang-github-prometheus
        elif have apk; then
            run as_root apk add prometheus
        elif have brew; then
            run brew install prometheus
        else
            die "no prometheus, and no package manager that we know"
        fi
    fi
    note "$("$("$CI_DIR/prometheus.sh" find)" --version 2>&1 | head -n 1)"
}

if (($# == 0)); then
    set -- rust compiler nextest postgres redis prometheus
fi
for what in "$@"; do
    case $what in
        rust | compiler | nextest | postgres | redis | prometheus) "install_$what" ;;
        *) die "what is '$what'? one of: rust compiler nextest postgres redis prometheus" ;;
    esac
done
