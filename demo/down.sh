#!/bin/bash
# down.sh: stops what up.sh started; the data stays in run/.
set -eu
. "$(dirname "$0")/lib.sh"

[ -d "$run" ] || { say "nothing is running"; exit 0; }
state=$(cd "$run" && pwd -P)

stop "$state/nginx/nginx.pid" nginx QUIT
stop "$state/worker/worker.pid" "the worker" TERM
stop "$state/pg/data/postmaster.pid" Postgres INT
stop "$state/redis/redis.pid" Redis TERM
say "the data is kept in run/; remove that folder to start anew"
