# Restores a dump into a database of another name, and compares its rows with those of the time of the dump.
# Arguments: the dump without `.dump`, the database that was dumped, and the new one. Variables of libpq say where.
# The new one is made if it is not there, which takes the right to create databases. One with tables is refused.
set -eu
programs=$(dirname "$0") dump=$1 old=$2 name=$3 rows=$(mktemp)
psql --no-psqlrc --dbname="$name" --command='' 2> /dev/null || createdb --maintenance-db="$old" --template=template0 "$name"
pg_restore --exit-on-error --no-owner --no-privileges --single-transaction --dbname="$name" "$dump.dump"
psql --no-psqlrc --quiet --dbname="$name" --file="$programs/rows.sql" > "$rows"
diff "$dump.rows" "$rows" >&2 || { echo "$name: the restored rows (>) are not those of the dump's time (<)" >&2; exit 1; }
echo "$name: $(wc -l < "$rows") tables and revisions, restored as they were"
