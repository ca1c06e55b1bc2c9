#!/bin/bash
# run.sh PART...: the benches that are named, of gate, script, settle, instructions,
# soak and rebuild, or the gate and settling; ends with lines "ratio <name> <value>".
#
# Environment: RESULTS, the data file that is written (bench/results/<time>.tsv,
# of single parts build/bench.tsv); FULL=1: four parts, all cells and rounds; and
# what the scripts name.
set -euo pipefail
cd "$(dirname "$0")/.."

# Many connections need many descriptors.
ulimit -S -n "$(ulimit -H -n)"

if [ $# -gt 0 ]; then
    parts=("$@")
    RESULTS=${RESULTS:-build/bench.tsv}
else
    RESULTS=${RESULTS:-bench/results/$(date -u +%FT%H%M).tsv}
    parts=(gate settle)
    if [ "${FULL:-0}" = 1 ]; then
        parts+=(instructions soak)
    else
        export ROWS=${ROWS:-100000}
    fi
fi
export RESULTS
mkdir -p "$(dirname "$RESULTS")"

{
    . /etc/os-release
    printf 'date\t%s\n' "$(date -u +%F)"
    printf 'machine\t%s cores, %s, %s; %s, Linux %s; %s\n' "$(nproc)" \
        "$(sed -n 's/^model name\s*: //p;T;q' /proc/cpuinfo)" \
        "$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1024 / 1024 }' /proc/meminfo)" \
        "$PRETTY_NAME" "$(uname -r | sed 's/-.*//')" \
        "$(/usr/sbin/nginx -v 2>&1 | sed 's/.*: //'), $(redis-server --version |
            sed 's/.*v=\([^ ]*\).*/Redis \1/')"
    printf 'load\t%s\n' "$(cut -d ' ' -f 1 /proc/loadavg)"
} > "$RESULTS"

declare -A script=([gate]=run [script]=script [settle]=settle [instructions]=instructions
                   [soak]=soak [rebuild]=rebuild)

# Ratios go to the file, and are told together at the end.
for part in "${parts[@]}"; do
    [ "$part" != settle ] || [ "${FULL:-0}" = 1 ] || [ $# -gt 0 ] || export ROUNDS=1
    perl -It/lib "bench/${script[$part]}.pl" | awk -v results="$RESULTS" '
        /^ratio / { print "ratio\t" $2 "\t" $3 >> results; next }
        { print; fflush() }'
done

echo
sed -n 's/^ratio\t\(.*\)\t/ratio \1 /p' "$RESULTS"
