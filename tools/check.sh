#!/bin/bash
# check.sh: the rules of CONTRIBUTING.md that a script can hold.  Prints a
# line for each breach and fails if there is one.
set -u
cd "$(dirname "$0")/.."
breaches=$(mktemp)
trap 'rm -f "$breaches"' EXIT

# Files below the given folders that end with one of the given suffixes.
files() {
    local folders=$1 names=()
    shift

    for suffix in "$@"; do
        names+=(-o -name "*.$suffix")
    done
    # shellcheck disable=SC2086
    find $folders -type f \( "${names[@]:1}" \) ! -path sql/schema.sql \
        2>/dev/null | sort
}

code=$(files "bench demo ngx_module redis sql t tools ui worker" \
    c h lua sql pl pm t sh)
compiled=$(files "bench ngx_module redis t worker" c h)
tests=$(files t t)

# only PATTERN ALLOWED FILE...: the includes that match stand only in files
# whose path matches.
only() {
    local pattern=$1 allowed=$2
    shift 2
    grep -nE "^ *# *include *[<\"]$pattern" "$@" /dev/null |
        grep -vE "^($allowed):" | sed 's/$/ may not stand here/'
}

{
    # Who may include whom.
    worker=$(files worker c h)
    cli=$(files worker/cli c h)
    module=$(files ngx_module c h)
    # shellcheck disable=SC2086
    {
        only 'libpq' 'worker/pg(_environment)?\.c' $compiled
        only 'hiredis' 'worker/rds_(node|reply)\.c|ngx_module/[a-z_]*redis[a-z_]*\.[ch]' \
            $compiled
        only 'openssl/ssl' 'worker/rds_wire\.c' $(files worker c h)
        only '(\.\./)?rds_[a-z]+\.h' 'worker/rds_?[a-z]*\.[ch]' $compiled
        only 'curl/' 'worker/http\.c' $compiled
        only 'microhttpd' 'worker/api\.c' $compiled
        only 'n(gx|ginx)[_.]' 'ngx_module/.*|t/(unit|fuzz)/.*' $compiled
        only '(\.\./)?(worker/|(api|conf|http|log|loop|pg|rds|role)\.h)' \
            'worker/.*|t/(unit|fuzz)/.*' $compiled
        only '(\.\./)?(api|conf|log|loop|pg|rds|role)\.h' none $cli
        only '"?cli\.h' 'worker/cli/.*' $worker
        only '' none $(files redis h)
        grep -nE '\b(redisConnect|redisCommand)' $module |
            sed 's/$/: sockets are those of nginx/'
    }

    # Lengths.
    # shellcheck disable=SC2086
    awk '
        FNR == 1 { start = 0 }
        FNR == 551 { print FILENAME ": over 550 lines" }
        FNR == 151 && FILENAME ~ /\.t$/ { print FILENAME ": over 150 lines" }
        FILENAME !~ /\.[ch]$/ { next }
        /^\{/ { start = FNR }
        /^\}/ { if (start && FNR - start - 1 > 80)
                    print FILENAME ":" start ": a function over 80 lines"
                start = 0 }
    ' $code

    # What a file owns stands in its first lines, or in a function's comment.
    for file in $code; do
        sed -n '/^comment on function/p
            1,6{/^#!/d;/^ *\(\/\*\|--\|#\) *[^ #]/p;/^ \* [A-Za-z]/p
                /^[a-z_]*\.lua: /p}' "$file" | grep -q . ||
            echo "$file: does not open with a sentence on what it owns"
    done

    # shellcheck disable=SC2086
    {
        grep -n "$(printf '\t')" $code | sed 's/$/: a tab/'
        grep -nE "\b(TO""DO|FIX""ME)\b" $code | grep -vE "TO""DO \(?#[0-9]+" |
            sed 's/$/: without a number/'
        grep -nE '\b(sleep|usleep)\b *\(?[0-9$]' $tests |
            sed 's/$/: wait_for a condition instead/'
    }
} > "$breaches"

cat "$breaches"
[ ! -s "$breaches" ]
