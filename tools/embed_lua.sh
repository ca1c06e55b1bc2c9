#!/bin/sh
# embed_lua.sh OUT FILE...: writes OUT, a C header with one string macro for
# each Lua script: redis/gate.lua becomes TG_SCRIPT_GATE.
set -eu

out=$1
shift

{
    echo "/* made by tools/embed_lua.sh from the scripts of redis/ */"
    echo "#ifndef TOLLGATE_SCRIPTS_H"
    echo "#define TOLLGATE_SCRIPTS_H"

    for file in "$@"; do
        name=$(basename "$file" .lua | tr 'a-z-' 'A-Z_')
        echo
        echo "#define TG_SCRIPT_$name \\"
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n" \\/' \
            "$file"
        echo '""'
    done

    echo
    echo "#endif"
} > "$out.tmp"

mv "$out.tmp" "$out"
