#!/usr/bin/env bash
# A private Redis server for the tests: loopback only, a free port, a directory of its own.
#
#   ci/redis.sh start DIR    starts it and prints its URL (also in DIR/url)
#   ci/redis.sh stop DIR     ends it at once and clears DIR; with nothing running, does nothing
#   ci/redis.sh find         prints the path of redis-server
#
# DIR must be ours alone. Nothing is written to disk but the log: the data ends with the server.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

find_server() {
    command -v redis-server || die "no redis-server here: run ci/install.sh redis"
}

# What runs under this pid; nothing if it is gone.
command_of() {
    if [[ -d /proc/self ]]; then
        tr '\0' ' ' <"/proc/$1/cmdline" || true
    else
        ps -o args= -p "$1" || true
    fi 2>/dev/null
}

# The server's pid while it is alive and ours: a pid alone may have been given to somebody else.
server_pid() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null || true)
    if [[ -n "$pid" ]] && command_of "$pid" | grep -q 'redis-server'; then
        printf '%s\n' "$pid"
    fi
}

# answers PORT PID: the server that we started is there (somebody else may have taken the port).
answers() {
    local reply
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'INFO server\r\nQUIT\r\n' >&3
    reply=$(timeout 2 cat <&3 || true)
    exec 3>&-
    grep -q "^process_id:$2"$'\r'"*\$" <<<"$reply"
}

# Answers whether it came up.
launch() {
    local port=$1 wait
    # Its own streams: the server must not keep our caller's pipe open.
    "$server" --port "$port" --bind 127.0.0.1 --save "" --appendonly no --dir "$dir" \
        --maxclients 500 </dev/null >>"$dir/log" 2>&1 &
    printf '%s\n' "$!" >"$dir/pid"
    for ((wait = 0; wait < 100; wait++)); do
        if ! kill -0 "$!" 2>/dev/null; then
            return 1
        fi
        if (answers "$port" "$!") 2>/dev/null; then
            return 0
        fi
        sleep 0.1
    done
    kill -KILL "$!" 2>/dev/null || true
    return 1
}

start() {
    if [[ -e "$dir/pid" ]]; then
        [[ -n $(server_pid) ]] || die "$dir holds the remains of a server: stop it first"
        cat "$dir/url"
        return
    fi
    mkdir -p "$dir"
    local attempt port
    for attempt in 1 2 3 4 5; do # somebody may take the port before we do
        port=$(free_port)
        if launch "$port"; then
            printf 'redis://127.0.0.1:%s/0\n' "$port" | tee "$dir/url"
            return
        fi
    done
    cat "$dir/log" >&2
    die "redis-server did not start, $attempt times"
}

stop() {
    if [[ ! -e "$dir/pid" ]]; then
        return
    fi
    local pid wait
    pid=$(server_pid)
    if [[ -n "$pid" ]]; then
        kill -KILL "$pid" 2>/dev/null || true # frozen or not; there is nothing to save
        for ((wait = 0; wait < 100; wait++)); do
            [[ -n $(server_pid) ]] || break
            sleep 0.05
        done
    fi
    rm -f "$dir/pid" "$dir/url" "$dir/log"
    rmdir "$dir" 2>/dev/null || true
}

usage() { die "usage: ci/redis.sh start DIR | stop DIR | find"; }

case "${1:-}/$#" in
    find/1) find_server ;;
    start/2 | stop/2)
        [[ "$2" == /* ]] || die "DIR must be an absolute path, not '$2'"
        dir=$2
        if [[ "$1" == start ]]; then
            server=$(find_server)
        fi
        "$1"
        ;;
    *) usage ;;
esac
