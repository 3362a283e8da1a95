# Restores dumps in a Postgres of this pod alone, and compares their rows with those of the time of the dump.
# Arguments: the folder of the dumps, and the name of each. The Postgres has a socket in that folder, and no port.
set -eu
programs=$(dirname "$0") folder=$1
shift
export PGHOST="$folder" PGUSER=drill
initdb --pgdata="$folder/server" --username=drill --auth=trust --encoding=UTF8 --locale=C.UTF-8 > /dev/null
pg_ctl --pgdata="$folder/server" --log="$folder/log" --wait \
  --options="-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off" start > /dev/null ||
  { cat "$folder/log" >&2; exit 1; }
trap 'pg_ctl --pgdata="$folder/server" --mode=immediate stop > /dev/null' EXIT
for name in "$@"; do
  createdb --template=template0 "$name"
  pg_restore --exit-on-error --no-owner --no-privileges --dbname="$name" "$folder/dump/$name.dump"
  psql --no-psqlrc --quiet --dbname="$name" --file="$programs/rows.sql" > "$folder/$name.rows"
  diff "$folder/dump/$name.rows" "$folder/$name.rows" >&2 ||
    { echo "$name: the restored rows (>) are not those of the dump's time (<)" >&2; exit 1; }
  echo "$name: $(wc -l < "$folder/$name.rows") tables and revisions, restored as they were"
done
