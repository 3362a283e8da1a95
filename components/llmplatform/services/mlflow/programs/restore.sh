# Restores dumps into databases of other names, and compares their rows with those of the time of the dump.
# Arguments: the folder of the dumps, and for each its name, the database that was dumped, and the new one. Variables of
# libpq say where. A new one is made if it is not there, which takes the right to create databases. If one has tables,
# nothing is restored.
# Runs in bash: a pg_restore that fails must fail the pipe, and its transaction then never ends with COMMIT.
set -euo pipefail
programs=$(dirname "$0") folder=$1 rows=$(mktemp) refused=""
shift

ask() { psql --no-psqlrc --quiet --tuples-only --no-align "$@"; }

each() {
  local step=$1
  shift
  while [ $# -gt 0 ]; do "$step" "$1" "$2" "$3"; shift 3; done
}

prepare() {
  ask --dbname="$3" --command='' 2> /dev/null || createdb --maintenance-db="$2" --template=template0 "$3"
  local tables
  tables=$(ask --dbname="$3" --command="SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
  [ "$tables" = 0 ] && return
  echo "$3: it has $tables tables, and a restore takes an empty database; drop it if they are of an earlier restore, or name others in services.mlflow.databases" >&2
  refused=yes
}

# pg_restore of 17 and later sets `transaction_timeout`, which servers up to 16 do not know (pg_backup_archiver.c,
# `_doSetFixedOutputState`). Only its first line is dropped: the same text in a row of a table stays.
statements() {
  echo 'BEGIN;'
  pg_restore --no-owner --no-privileges --file=- "$1" | sed '0,/^SET transaction_timeout = 0;$/{//d}'
  echo 'COMMIT;'
}

restore() {
  statements "$folder/$1.dump" | ask --set=ON_ERROR_STOP=1 --output=/dev/null --dbname="$3"
  psql --no-psqlrc --quiet --dbname="$3" --file="$programs/rows.sql" > "$rows"
  diff "$folder/$1.rows" "$rows" >&2 || { echo "$3: the restored rows (>) are not those of the dump's time (<)" >&2; exit 1; }
  echo "$3: $(wc -l < "$rows") tables and revisions, restored as they were"
}

each prepare "$@"
[ -z "$refused" ] || exit 1
each restore "$@"
