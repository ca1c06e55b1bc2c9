#!/bin/bash
# dump_schema.sh DSN: writes the tables, views and rights of a migrated database
# as sql/schema.sql holds them; what differs between servers is left out.
set -eu -o pipefail

[ $# -eq 1 ] || { echo "usage: tools/dump_schema.sh DSN > sql/schema.sql" >&2; exit 2; }

pg_dump=$(ls -d /usr/lib/postgresql/*/bin/pg_dump | sort -V | tail -1)

echo "-- The schema as tools/dump_schema.sh writes it from a migrated database."
"$pg_dump" --schema-only --no-owner --schema public \
    --exclude-table 'schema_*' --dbname "$1" |
    sed -E -e '/^--/d' -e '/^\\(un)?restrict /d' -e '/^(SET|SELECT pg_catalog\.set_config)/d' \
        -e '/^(CREATE|COMMENT ON) SCHEMA public/d' -e 's/[ \t]+$//' | cat -s
