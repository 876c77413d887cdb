#!/usr/bin/env bash
# A private PostgreSQL server for the tests: loopback only, a free port, a directory of its own.
#
#   ci/postgres.sh start DIR    starts it and prints its URL (also in DIR/url)
#   ci/postgres.sh stop DIR     ends it at once and clears DIR; with nothing running, does nothing
#   ci/postgres.sh find         prints the directory that holds initdb and pg_ctl
#
# DIR must be ours alone and its parents open to everybody (so: under /tmp). The server refuses to
# run as root; there it runs as `postgres`, or as a user without rights made for it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

OWN_USER=nebula-postgres

# The newest server on this machine; Debian keeps them out of PATH, one directory per version.
find_bin() {
    local bin
    while read -r bin; do
        if [[ -x "$bin/initdb" && -x "$bin/pg_ctl" ]]; then
            printf '%s\n' "$bin"
            return
        fi
    done < <(
        printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -rV
        for path in initdb pg_ctl; do dirname "$(command -v "$path" || echo /none/none)"; done
    )
    die "no PostgreSQL server here (initdb, pg_ctl): run ci/install.sh postgres"
}

# Whom the server runs as when we are root; made if there is nobody.
server_user() {
    local user
    for user in postgres "$OWN_USER"; do
        if id "$user" >/dev/null 2>&1; then
            printf '%s\n' "$user"
            return
        fi
    done
    useradd --system --no-create-home --shell /usr/sbin/nologin "$OWN_USER" >&2 ||
        die "root may not run PostgreSQL, and no user could be made for it"
    printf '%s\n' "$OWN_USER"
}

as_server() {
    if ((EUID == 0)); then
        runuser -u "$(server_user)" -- "$@"
    else
        "$@"
    fi
}

# The postmaster's pid while it is alive.
server_pid() {
    if as_server "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
        head -n 1 "$dir/data/postmaster.pid"
    fi
}

prepare() {
    mkdir -p "$dir"
    if ((EUID == 0)); then
        chown "$(server_user)" "$dir"
    fi
    as_server test -w "$dir" -a -x "$dir" ||
        die "$dir is out of reach for the server's user: its parents must be open (try /tmp)"
    cd "$dir" # initdb complains about a working directory that it cannot enter
    as_server "$bin/initdb" -D "$dir/data" --auth=trust --username=postgres \
        --encoding=UTF8 --locale=C --no-sync >"$dir/log" 2>&1 ||
        { cat "$dir/log" >&2; die "initdb failed"; }
}

# Settings go to the file, so that a test that restarts the server gets the same one.
settings() {
    cat <<END
port = $1
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
END
}

start() {
    if [[ -e "$dir/data" ]]; then
        [[ -n $(server_pid) ]] || die "$dir holds the remains of a server: stop it first"
        cat "$dir/url"
        return
    fi
    prepare
    local attempt port
    for attempt in 1 2 3 4 5; do # somebody may take the port before we do
        port=$(free_port)
        settings "$port" >>"$dir/data/postgresql.conf"
        # Its own streams: the server must not keep our caller's pipe open.
        if as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start \
            </dev/null >>"$dir/log" 2>&1; then
            printf 'postgres://postgres@127.0.0.1:%s/postgres\n' "$port" | tee "$dir/url"
            return
        fi
    done
    cat "$dir/log" "$dir/server.log" >&2
    die "PostgreSQL did not start, $attempt times"
}

stop() {
    if [[ ! -d "$dir/data" ]]; then
        return
    fi
    cd "$dir"
    local pid
    pid=$(server_pid)
    if [[ -n "$pid" ]]; then
        kill -CONT "$pid" 2>/dev/null || true # a test may have frozen it
        as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 10 stop >/dev/null 2>&1 ||
            kill -KILL "$pid" 2>/dev/null || true
    fi
    cd /
    rm -rf "$dir/data" "$dir/log" "$dir/server.log" "$dir/url"
    rmdir "$dir" 2>/dev/null || true
}

usage() { die "usage: ci/postgres.sh start DIR | stop DIR | find"; }

case "${1:-}/$#" in
    find/1) find_bin ;;
    start/2 | stop/2)
        [[ "$2" == /* ]] || die "DIR must be an absolute path, not '$2'"
        dir=$2
        if [[ "$1" == start || -d "$dir/data" ]]; then
            bin=$(find_bin)
        fi
        "$1"
        ;;
    *) usage ;;
esac
