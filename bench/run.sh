#!/bin/bash
# run.sh: the bench; ends with lines "ratio <name> <value>".
set -eu
cd "$(dirname "$0")/.."
exec perl -It/lib bench/run.pl "$@"
