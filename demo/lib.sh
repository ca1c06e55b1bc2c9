# lib.sh: where the demo's servers live and how they are started and stopped;
# sourced by the other scripts of this folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
run=$root/run
port=${PORT:-8080}
pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)

say() { printf '%s\n' "$*"; }

die() {
    printf 'tollgate: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf 'hint: %s\n' "$@" >&2
    exit 1
}

# Servers run as an unprivileged user.  Started by root that is "nobody", who
# must be able to reach the files: where the checkout is closed to others, or
# its path too long for a unix socket, run/ becomes a link to /var/tmp.
run_make() {
    local open=1 dir

    [ -e "$run" ] && return

    if [ "$(id -u)" -eq 0 ]; then
        as_server test -x "$root" || open=
    fi
    if [ -z "$open" ] || [ ${#run} -gt 70 ]; then
        dir=/var/tmp/tollgate-$(id -u)-$(printf %s "$root" | cksum | cut -d' ' -f1)
        mkdir -p "$dir"
        ln -sfn "$dir" "$run"
    else
        mkdir -p "$run"
    fi
}

as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid nobody --regid nogroup --clear-groups -- "$@"
    else
        "$@"
    fi
}

# server_dir NAME: a folder of the servers' user.
server_dir() {
    mkdir -p "$state/$1"
    [ "$(id -u)" -ne 0 ] || chown nobody:nogroup "$state/$1"
}

# running PIDFILE: the process that the file names is alive.
running() {
    local pid

    [ -s "$1" ] || return 1
    read -r pid _ < "$1" || true
    [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local left=$(($1 * 20)) what=$2
    shift 2

    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || die "waited in vain for $what" \
            "the logs are in run/"
        sleep 0.05
    done
}

# stop PIDFILE NAME SIGNAL: ends that process and waits until it is gone.
stop() {
    local pid

    running "$1" || { rm -f "$1"; return 0; }
    read -r pid _ < "$1" || true
    kill "-$3" "$pid" 2>/dev/null || true
    wait_for 20 "$2 to stop" gone "$pid"
    rm -f "$1"
    say "stopped $2"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# psql_demo: runs the SQL on standard input as the owner of the database.
psql_demo() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 \
        -d "host=$state/pg dbname=tollgate user=tollgate" -f - "$@"
}

tollgate() {
    TOLLGATE_SOCKET=$state/worker/admin.sock "$root/build/tollgate" "$@"
}

# member NAME: that member of the JSON object on standard input.
member() {
    perl -MJSON::PP -e 'local $/; print decode_json(<STDIN>)->{$ARGV[0]}' "$1"
}
