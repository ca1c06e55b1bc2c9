#!/bin/bash
# run.sh: all tests in parallel, then the gate's again under sanitizers and some
# of them under valgrind; ends with "N passed, N failed" over the assertions of
# all three.
set -u
cd "$(dirname "$0")/.."

jobs=${JOBS:-$(($(nproc) + 2))}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

stage() {
    local name=$1
    shift

    echo "== $name"
    "$@" 2>&1 | tee -a "$log"
    [ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
}

# prove -v would drown the terminal: its TAP goes to the counter alone.
count() {
    perl t/count.pl "$@"
}

stage "all layers" count "$jobs" t/*.t
stage "gate under sanitizers" env TOLLGATE_ASAN=1 perl t/count.pl "$jobs" \
    t/30-*.t
stage "gate under valgrind" env TOLLGATE_VALGRIND=1 perl t/count.pl "$jobs" \
    t/30-gate-{charge,keys,redis-garbage,reload,usage}.t

awk '/^-- / { passed += $2; failed += $4 }
     END { printf "%d passed, %d failed\n", passed, failed }' "$log"
exit $failed
