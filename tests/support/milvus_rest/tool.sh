#!/bin/sh
# A stand-in of milvus-backup, which cannot be had here, for the scripts around it: a folder of backups, each with its
# metadata and its objects. Source: zilliztech/milvus-backup v0.5.16: internal/meta/meta.go (`List` warns of what it
# cannot read, and leaves it out; `Read` fails), core/backup/task.go (`prepare` refuses a name that is there; metadata is
# written last), core/del/del.go, core/restore/task.go (`checkCollExist`), cmd/list/list.go, cmd/get/get.go (cobra's `Println` is to standard error).
set -eu
[ "$1 $2" = "--config /settings/backup.yaml" ] || { echo "no such configuration: $2" >&2; exit 1; }
[ -n "$MILVUS_PASSWORD" ]
task=$3
shift 3
name="" suffix="" rbac=""
while [ $# -gt 0 ]; do
  case $1 in
    --name) name=$2; shift ;;
    --suffix) suffix=$2; shift ;;
    --rbac) rbac=yes ;;
    --rebuild_index) ;;
    *) echo "unknown flag: $1" >&2; exit 1 ;;
  esac
  shift
done
readable() { grep -q '}$' "$BACKUPS/$1/meta/full_meta.json" 2> /dev/null; }
echo "config: /settings/backup.yaml"
case $task in
  create)
    [ ! -e "$BACKUPS/$name" ] || { echo "backup with name $name already exist" >&2; exit 1; }
    mkdir -p "$BACKUPS/$name/meta" "$BACKUPS/$name/binlogs"
    echo rows > "$BACKUPS/$name/binlogs/1"
    [ -z "${CUT_OFF:-}" ] || exit 1
    printf '{"name": "%s", "rbac": "%s",\n"collection_name": "rows",\n"collection_name": "documents"%s' \
      "$name" "$rbac" "${TRUNCATED:-\}}" > "$BACKUPS/$name/meta/full_meta.json"
    ;;
  list)
    for each in "$BACKUPS"/*; do
      readable "${each##*/}" || echo "[WARN] [\"can not read backup info, skip it\"] [backup_dir=test/${each##*/}/]"
    done
    echo ">> Backups:"
    for each in "$BACKUPS"/*; do ! readable "${each##*/}" || echo "${each##*/}"; done
    ;;
  get)
    readable "$name" || { echo "read backup meta" >&2; exit 1; }
    cat "$BACKUPS/$name/meta/full_meta.json" >&2
    ;;
  delete) readable "$name" && rm -r "${BACKUPS:?}/$name" ;;
  restore)
    [ -z "${SLOW:-}" ] || sleep 5
    readable "$name" || { echo "backup $name not found" >&2; exit 1; }
    [ -e "$BACKUPS/$name/binlogs/1" ] || { echo "bulk insert failed: no such key" >&2; exit 1; }
    echo "$name $suffix" > "$BACKUPS/../restored"
    ;;
esac
