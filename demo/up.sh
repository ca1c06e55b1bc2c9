#!/bin/bash
# up.sh: starts a private Redis, Postgres, worker and nginx under run/, loads the
# demo's catalog and accounts, and shows requests being priced.  Run by `make up`.
set -eu
. "$(dirname "$0")/lib.sh"

run_make
state=$(cd "$run" && pwd -P)

redis_up() {
    running "$state/redis/redis.pid" && return
    server_dir redis
    as_server redis-server - > "$state/redis/start.log" 2>&1 <<CONF ||
port 0
unixsocket $state/redis/redis.sock
unixsocketperm 700
dir $state/redis
pidfile $state/redis/redis.pid
logfile $state/redis/redis.log
daemonize yes
appendonly yes
save ""
maxmemory-policy noeviction
CONF
        die "Redis did not start" "see run/redis/start.log"
    wait_for 20 "Redis" as_server redis-cli -s "$state/redis/redis.sock" ping
    say "started Redis"
}

postgres_up() {
    local log=$state/pg/postgres.log

    running "$state/pg/data/postmaster.pid" && return
    server_dir pg
    if [ ! -s "$state/pg/data/PG_VERSION" ]; then
        rm -rf "$state/pg/data"
        as_server "$pg_bin/initdb" -D "$state/pg/data" -U postgres \
            --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
            > "$state/pg/initdb.log" 2>&1 ||
            die "Postgres could not be set up" "see run/pg/initdb.log"
    fi
    rm -f "$state/pg/data/postmaster.pid"
    as_server "$pg_bin/pg_ctl" -D "$state/pg/data" -l "$log" -w -t 60 -o \
        "-c listen_addresses= -c unix_socket_directories=$state/pg -c unix_socket_permissions=0700" \
        start > /dev/null || die "Postgres did not start" "see run/pg/postgres.log"

    as_server psql -X -q -v ON_ERROR_STOP=1 -h "$state/pg" -U postgres \
        -d postgres -f - <<'SQL'
select 'create role tollgate login createrole'
 where not exists (select from pg_roles where rolname = 'tollgate') \gexec
select 'create database tollgate owner tollgate'
 where not exists (select from pg_database where datname = 'tollgate') \gexec
SQL
    say "started Postgres"
}

# The programs are copied, so that a build doesn't disturb what runs.
programs_copy() {
    rm -rf "$state/dist"
    mkdir -p "$state/dist"
    cp "$root/build/tollgate-worker" "$root/build/ngx_http_tollgate_module.so" \
        "$state/dist/"
    cp -r "$root/sql" "$root/demo/gate.conf" "$state/dist/"
    chmod -R a+rX "$state/dist"
}

worker_up() {
    stop "$state/worker/worker.pid" "the old worker" TERM
    server_dir worker
    if [ ! -s "$state/worker/operator.token" ]; then
        (umask 077
         printf 'tgop_%s\n' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" \
             > "$state/worker/operator.token")
        [ "$(id -u)" -ne 0 ] ||
            chown nobody:nogroup "$state/worker/operator.token"
    fi
    cat > "$state/worker.ini" <<CONF
[postgres]
dsn = host=$state/pg dbname=tollgate user=tollgate

[redis]
server = unix:$state/redis/redis.sock

[worker]
pid_file = $state/worker/worker.pid

[api]
socket = $state/worker/api.sock
admin_socket = $state/worker/admin.sock
token_file = $state/worker/operator.token

[sql]
dir = $state/dist/sql
CONF
    as_server setsid --fork "$state/dist/tollgate-worker" \
        -c "$state/worker.ini" >> "$state/worker/worker.log" 2>&1 < /dev/null
    wait_for 60 "the worker (run/worker/worker.log)" tollgate accounts list
    say "started the worker"
}

nginx_up() {
    local user="" upstream

    stop "$state/nginx/nginx.pid" "the old nginx" QUIT
    server_dir nginx
    [ "$(id -u)" -ne 0 ] || user="user nobody nogroup;"
    upstream=$(upstream_server)
    sed -e "s|@USER@|$user|" -e "s|@RUN@|$state|g" -e "s|@PORT@|$port|g" \
        -e "s|@UPSTREAM@|$upstream|g" "$root/demo/nginx.conf.in" \
        > "$state/nginx.conf"
    nginx -e "$state/nginx/error.log" -p "$state/nginx" -c "$state/nginx.conf" \
        -t -q || die "nginx refuses run/nginx.conf"
    nginx -e "$state/nginx/error.log" -p "$state/nginx" \
        -c "$state/nginx.conf" || die "nginx did not start on port $port" \
        "PORT=8081 make up takes another port"
    wait_for 20 "nginx" curl -s -o /dev/null "http://127.0.0.1:$port/"
    say "started nginx on http://127.0.0.1:$port"
}

# What the gate proxies to: UPSTREAM without its scheme, or the demo's backend.
upstream_server() {
    local url=${UPSTREAM:-}

    case $url in
        "")        echo "unix:$state/nginx/backend.sock" ;;
        http://*)  url=${url#http://}; echo "${url%%/*}" ;;
        *)         die "UPSTREAM=$url is not an http:// address" \
                       "UPSTREAM=http://127.0.0.1:3000 make up" ;;
    esac
}

redis_up
postgres_up
programs_copy
worker_up
. "$root/demo/accounts.sh"
nginx_up
. "$root/demo/show.sh"
