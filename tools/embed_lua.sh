#!/bin/sh
# embed_lua.sh OUT FILE...: writes OUT, a C header with one string macro for
# each Lua script: redis/gate.lua becomes TG_SCRIPT_GATE.  A line
# "--: include gate/rules.lua" stands for that file of the script's folder.
set -eu

out=$1
shift

{
    echo "/* made by tools/embed_lua.sh from the scripts of redis/ */"
    echo "#ifndef TOLLGATE_SCRIPTS_H"
    echo "#define TOLLGATE_SCRIPTS_H"

    for file in "$@"; do
        name=$(basename "$file" .lua | tr 'a-z-' 'A-Z_')
        folder=$(dirname "$file")
        echo
        echo "#define TG_SCRIPT_$name \\"
        while IFS= read -r line || [ -n "$line" ]; do
            case $line in
            "--: include "*) cat "$folder/${line#--: include }" ;;
            *)               printf '%s\n' "$line" ;;
            esac
        done < "$file" |
            sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n" \\/'
        echo '""'
    done

    echo
    echo "#endif"
} > "$out.tmp"

mv "$out.tmp" "$out"
