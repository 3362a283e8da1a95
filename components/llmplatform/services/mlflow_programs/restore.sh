# Restores a dump into a database of another name, and compares its rows with those of the time of the dump.
# Arguments: the dump without `.dump`, the address of the database that was dumped, and that of the new one with its name.
# The new one is made if it is not there, which takes the right to create databases. One with tables is refused.
set -eu
programs=$(dirname "$0") dump=$1 old=$2 new=$3 name=$4 rows=$(mktemp)
psql --no-psqlrc --dbname="$new" --command='' 2> /dev/null || createdb --maintenance-db="$old" --template=template0 "$name"
pg_restore --exit-on-error --no-owner --no-privileges --single-transaction --dbname="$new" "$dump.dump"
psql --no-psqlrc --quiet --dbname="$new" --file="$programs/rows.sql" > "$rows"
diff "$dump.rows" "$rows" >&2 || { echo "$name: the restored rows (>) are not those of the dump's time (<)" >&2; exit 1; }
echo "$name: $(wc -l < "$rows") tables and revisions, restored as they were"
