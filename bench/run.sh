#!/bin/bash
# run.sh: the bench, or the part of it that is named (gate, settle, rebuild); ends with
# lines "ratio <name> <value>".
set -eu
cd "$(dirname "$0")/.."
case ${1:-all} in
all|gate) perl -It/lib bench/run.pl ;;&
all|settle) perl -It/lib bench/settle.pl ;;&
rebuild) perl -It/lib bench/rebuild.pl ;;&
esac
