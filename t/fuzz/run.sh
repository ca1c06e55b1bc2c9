#!/bin/bash
# run.sh FOLDER RUNS TARGET...: fuzzes each target from its seeds, one after
# the other.  What is new and what fails stays in FOLDER.
set -eu

folder=$1 runs=$2
shift 2
seeds=$(dirname "$0")/corpus
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1}

for target in "$@"; do
    mkdir -p "$folder/corpus/$target"
    if "$folder/$target" -runs="$runs" -max_len=4096 -rss_limit_mb=1024 \
        -timeout=20 -artifact_prefix="$folder/$target-" \
        "$folder/corpus/$target" "$seeds/$target" > "$folder/$target.log" 2>&1
    then
        awk -v target="$target" '
            / cov: / { coverage = $4 }
            /^Done/ { print target ": " $2 " runs in " $5 " s, " coverage \
                      " edges" }' "$folder/$target.log"
    else
        echo "$target: a finding, see $folder/$target.log" >&2
        grep -E 'not so|died|ERROR|runtime error|Test unit' \
            "$folder/$target.log" >&2
        exit 1
    fi
done
