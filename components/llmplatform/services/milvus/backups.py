"""Backups of Milvus in another bucket on a schedule, restores under other names, and the drill that tries them.

milvus-backup reads collections, indexes, databases, users and roles from Milvus, which flushes them, and has the store
copy the files of each segment; it compares number and size of what was copied. So nothing of etcd is needed to restore:
its metadata comes through Milvus, and a snapshot of etcd would fit no other moment of the bucket. Aliases are in a
backup, and are not made again.
With TLS its requests to the REST API fail, because it has no setting for that port: it lists the files of a segment
instead (`getSegmentInfoByListFile`), and restores through gRPC. A collection to which a field was added may fail to be
backed up then, until Milvus has compacted its older segments.
Two identities: the one that backs up cannot write the data, and the one that restores cannot write backups. Both of the
tool's clients take that of the pod: minio-go by Pod Identity (`NewIAM`), credentials-go by RRSA (`NewCredential`).
What was cut off has no metadata: the tool neither lists nor removes it, so give the bucket `expire_days` as well.
Source: zilliztech/milvus-backup v0.5.16, cmd/, core/, internal/cfg/cfg.go, internal/storage/{minio,aliyun}.go.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.contracts import ObjectStore, WorkloadIdentity
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.catalog.versions import HYDRATION_IMAGE, MILVUS_BACKUP_IMAGE
from llmplatform.planning.pools import PoolPlan
from llmplatform.services.milvus import pods
from llmplatform.services.milvus.access import root_files
from llmplatform.services.milvus.place import Place, account
from llmplatform.services.milvus.programs.witness import SUFFIX
from llmplatform.services.milvus.resource import METRICS_PORT, NAME, PASSWORD_KEY, PORT

BACKUP, RESTORE = "milvus-backup", "milvus-restore"
"""Service accounts, and the CronJobs that use them."""
SETTINGS, SETTINGS_FOLDER = "backup.yaml", "/settings"
_DEADLINE_SECONDS, _RESTORE_SECONDS = 6 * 3600, 4 * 3600
"""Time of a Job, and that of a drill's restore in it: the rest is for comparing and dropping."""
_ENDS_SECONDS = 600
"""Time in which a drill that is stopped drops its copies."""
KEPT = 3
"""Backups that are kept however old they are."""
_WAIT_SECONDS = "300"
_NEVER = "0 0 1 1 *"
"""The schedule of what is suspended."""
LABELS: Mapping[str, str] = labels("milvus-backup")
"""Labels of its pods, which may stop the removal of old segments for as long as they copy."""

TOOL = f"/app/milvus-backup --config {SETTINGS_FOLDER}/{SETTINGS}"
_FORM = "platform_[0-9]{4}(_[0-9]{2}){5}"
_NAMES = f"grep -E '^{_FORM}$'"
CREATE = f"""name="platform_$(date -u +%Y_%m_%d_%H_%M_%S)"
{TOOL} create --name "$name" --rbac
{TOOL} get --name "$name" > /dev/null"""
"""Makes a backup, and reads back what it says of itself. Arguments: none."""
RETAIN = f"""oldest=$(date -u -d "@$(($(date +%s) - $1 * 86400))" +%Y%m%d%H%M%S)
{TOOL} list > {pods.SCRATCH}/list 2>&1
{_NAMES} {pods.SCRATCH}/list | sort -r > {pods.SCRATCH}/names
newest=$(head -n 1 {pods.SCRATCH}/names)
while read -r name; do
  {TOOL} get --name "$name" > {pods.SCRATCH}/backup 2>&1 || {{ cat {pods.SCRATCH}/backup >&2; exit 1; }}
  if [ "$(grep -c '"collection_name":' {pods.SCRATCH}/backup)" -gt 1 ]; then
    [ "$name" = "$newest" ] && break
    echo "$newest has no collection and $name had some, so none is removed: restore $name if they are missed;" \
      "else remove it and those before it" >&2
    exit 1
  fi
done < {pods.SCRATCH}/names
tail -n +{KEPT + 1} {pods.SCRATCH}/names | while read -r name; do
  if [ "$(echo "${{name#platform_}}" | tr -d _)" -lt "$oldest" ]; then {TOOL} delete --name "$name"; fi
done"""
"""Removes backups of ours that are too old, but for the newest that can be read. Arguments: days.

Nothing is removed while the newest has no collection but that of its rows, and an older one has: then what has lost
them would have lost their backups as well in the end. `get` tells of each collection in JSON (cmd/get/get.go,
internal/pbconv, `newCollBackupBrief`).
"""
BRING_BACK = f"""fail() {{ echo "$1" >&2; exit 1; }}
moment() {{ echo "${{1#platform_}}" | tr -d _; }}
[ -n "$SUFFIX" ] || fail "SUFFIX is empty: nothing is restored over live collections"
name=$BACKUP
if [ "$name" = newest ]; then
  {TOOL} list > {pods.SCRATCH}/list 2>&1
  name=$({_NAMES} {pods.SCRATCH}/list | sort | tail -n 1)
  [ -n "$name" ] || fail "there is no backup that can be read"
  running=$(date -u -d "@$(($(date +%s) - {_DEADLINE_SECONDS}))" +%Y%m%d%H%M%S)
  for each in $(grep 'can not read backup info' {pods.SCRATCH}/list | grep -Eo '{_FORM}'); do
    [ "$(moment "$each")" -gt "$(moment "$name")" ] || continue
    if [ -n "${{OLDEST_HOURS:-}}" ] && [ "$(moment "$each")" -gt "$running" ]; then continue; fi
    fail "$each is newer than $name, and cannot be read: it is being made, or was cut off; set BACKUP=$name"
  done
fi
if [ -n "${{OLDEST_HOURS:-}}" ]; then
  oldest=$(date -u -d "@$(($(date +%s) - OLDEST_HOURS * 3600))" +%Y%m%d%H%M%S)
  [ "$(moment "$name")" -ge "$oldest" ] || fail "the newest backup, $name, is older than $OLDEST_HOURS hours"
fi
echo "restoring $name, each collection with $SUFFIX at its end"
{TOOL} restore --name "$name" --suffix "$SUFFIX" --rebuild_index"""
"""Restores a backup under other names. Variables: BACKUP, a name or `newest`; SUFFIX; OLDEST_HOURS, or nothing.

The tool's list leaves out what it cannot read, with a warning (internal/meta/meta.go, `List`): the newest of what is
left is no proof of the newest. A drill passes over what may still be made: one that fails later is its own Job's.
"""

RESTORED = f"{pods.SCRATCH}/restored"
TRY = f"""if timeout {_RESTORE_SECONDS} sh -euc "$1" restore; then touch {RESTORED}
else echo "failed, or not done within {_RESTORE_SECONDS // 3600} hours" >&2; fi"""
"""Runs a script, and leaves its success for the next container, which cleans up either way. Arguments: the script."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1
batch = kubernetes.batch.v1


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """What backups need beside Milvus itself."""

    data: ObjectStore
    """Bucket of the data."""
    store: ObjectStore
    """Bucket of the backups."""
    backup: WorkloadIdentity
    """May read the data, and write backups."""
    restore: WorkloadIdentity
    """May write the data, and read backups."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """The Milvus that is backed up."""

    host: str
    rest: str
    """Address of its REST API."""
    root_secret: pulumi.Input[str]
    certificate: pulumi.Input[str] | None
    programs: pulumi.Input[str]
    """ConfigMap of the programs."""
    resource: pulumi.Resource


def settings(place: Place, args: BackupArgs, server: Server, data: str, backups: str) -> dict[str, Any]:
    """The tool's configuration. `data` and `backups`: the buckets. The password comes from the environment."""
    folder = place.site.environment.name
    return {
        "log": {"level": "info", "console": True, "file": {"filename": f"{pods.SCRATCH}/backup.log"}},
        "milvus": {
            "address": server.host,
            "port": PORT,
            "user": "root",
            "tlsMode": 1 if server.certificate is not None else 0,
            "caCertPath": pods.AUTHORITY_FILE if server.certificate is not None else "",
            "serverName": server.host,
        },
        "minio": {
            "storageType": args.data.provider,
            "address": args.data.endpoint,
            "port": 443,
            "region": args.data.region,
            "useSSL": True,
            "useIAM": True,
            "bucketName": data,
            "rootPath": f"{folder}/{NAME}",
            "backupStorageType": args.store.provider,
            "backupAddress": args.store.endpoint,
            "backupPort": 443,
            "backupRegion": args.store.region,
            "backupUseSSL": True,
            "backupUseIAM": True,
            "backupBucketName": backups,
            # Another stack may use the same bucket.
            "backupRootPath": f"{folder}/milvus-backups",
            # Both are in one region, and the store copies.
            "crossStorage": False,
        },
        # Segments that are being copied stay for as long as it takes.
        "backup": {"gcPause": {"enable": True, "address": f"http://{server.host}:{METRICS_PORT}"}},
    }


class Backups:
    """The CronJobs of one Milvus."""

    def __init__(self, place: Place, args: BackupArgs, server: Server) -> None:
        self._place, self._server, site = place, server, place.site
        self._tool, self._python = site.mirrors.image(MILVUS_BACKUP_IMAGE), site.mirrors.image(HYDRATION_IMAGE)
        self._pool: PoolPlan | None = next((pool for pool in site.pools if pool.name == place.spec.pool), None)
        wanted, backup = place.spec.backups, account(place, BACKUP, args.backup, "account-backup")
        restore = account(place, RESTORE, args.restore, "account-restore")
        self._mounts = [
            pods.programs(server.programs),
            pods.secrets(server.root_secret, root_files(place.spec.root_password_version)),
            *pods.authority(server.certificate),
            self._settings(args),
            pods.scratch(),
        ]
        made = [
            self._program("rows", "witness", _WAIT_SECONDS),
            self._script("create", CREATE),
            self._script("retain", RETAIN, str(wanted.keep_days)),
        ]
        self._cron_job("backup", BACKUP, made, backup, wanted.schedule)
        manual = self._script("restore", BRING_BACK, BACKUP="newest", SUFFIX="_restored")
        self._cron_job("restore", RESTORE, [manual], restore, None)
        if wanted.drill.enabled:
            oldest = str(wanted.drill.oldest_hours)
            variables = {"BACKUP": "newest", "SUFFIX": SUFFIX, "OLDEST_HOURS": oldest}
            limits = (str(wanted.drill.largest_rows), f"{wanted.drill.tolerance_percent:g}")
            tried = [
                self._program("prepare", "drill", _WAIT_SECONDS, before=("prepare",)),
                self._script("restore", TRY, BRING_BACK, **variables),
                self._program("compare", "drill", _WAIT_SECONDS, RESTORED, *limits, before=("compare",)),
            ]
            self._cron_job("drill", "milvus-drill", tried, restore, wanted.drill.schedule, _ENDS_SECONDS)

    def _settings(self, args: BackupArgs) -> pods.Mount:
        place, server = self._place, self._server
        text = pulumi.Output.all(args.data.bucket, args.store.bucket).apply(
            lambda both: json.dumps(settings(place, args, server, *both), indent=2)
        )
        made = core.ConfigMap(
            f"{place.logical}-backup-settings",
            metadata=place.meta("milvus-backup"),
            data={SETTINGS: text},
            opts=place.child(),
        )
        source = core.ConfigMapVolumeSourceArgs(name=after("milvus-backup", made))
        return pods.Mount(name="settings", path=SETTINGS_FOLDER, source={"config_map": source})

    def _program(self, name: str, module: str, *arguments: str, before: Sequence[str] = ()) -> core.ContainerArgs:
        trusted = pods.AUTHORITY_FILE if self._server.certificate is not None else ""
        command = pods.run(module, *before, self._server.rest, pods.SECRETS, trusted, *arguments)
        return pods.container(name, self._python, command, self._mounts)

    def _script(self, name: str, script: str, *arguments: str, **variables: str) -> core.ContainerArgs:
        secret = core.SecretKeySelectorArgs(name=self._server.root_secret, key=PASSWORD_KEY)
        env = [core.EnvVarArgs(name=key, value=value) for key, value in variables.items()]
        env.append(core.EnvVarArgs(name="MILVUS_PASSWORD", value_from=core.EnvVarSourceArgs(secret_key_ref=secret)))
        command = ["sh", "-euc", script, name, *arguments]
        return pods.container(name, self._tool, command, self._mounts, env=env, memory="1Gi")

    def _cron_job(
        self,
        role: str,
        name: str,
        containers: Sequence[core.ContainerArgs],
        service_account: pulumi.Input[str],
        schedule: str | None,
        ends_seconds: int | None = None,
    ) -> None:
        """`schedule` None: it is started by hand alone."""
        place = self._place
        template = pods.template(
            containers,
            self._mounts,
            labels={**LABELS, "app.kubernetes.io/component": role},
            pull_secrets=place.site.mirrors.pull_secrets,
            pool=self._pool,
            service_account=service_account,
            ends_seconds=ends_seconds,
        )
        job = batch.JobSpecArgs(backoff_limit=0, active_deadline_seconds=_DEADLINE_SECONDS, template=template)
        batch.CronJob(
            f"{place.logical}-{role}",
            metadata=place.meta(name),
            spec=batch.CronJobSpecArgs(
                schedule=schedule or _NEVER,
                suspend=None if schedule else True,
                time_zone="Etc/UTC",
                concurrency_policy="Forbid",
                starting_deadline_seconds=3600,
                successful_jobs_history_limit=1,
                failed_jobs_history_limit=3,
                job_template=batch.JobTemplateSpecArgs(spec=job),
            ),
            opts=place.child(depends_on=[self._server.resource]),
        )
