"""Dumps of MLflow's databases on a schedule, beside the artifacts: both are dumped before one of them is stored.

A dump whose list cannot be read fails its Job, and nothing is stored. What is stored goes after some days; the versions
of a new bucket keep it for longer.
Source: PostgreSQL documentation, pg_dump (it reads servers of its own major version and of older ones) and pg_restore.
"""

import inspect
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.services import mlflow_pods as pods
from llmplatform.services import mlflow_server as server
from llmplatform.services import mlflow_store_dump

FOLDER = "/dumps"
"""A dump on its way to the store."""
PROGRAM = "store_dump.py"
"""The program that stores it, in the folder of the configuration."""
_DEADLINE_SECONDS = 4 * 3600

core = kubernetes.core.v1
meta = kubernetes.meta.v1
batch = kubernetes.batch.v1


def files() -> Mapping[str, str]:
    """Files in the folder of the configuration."""
    return {PROGRAM: inspect.getsource(mlflow_store_dump)}


def cron_job(
    name: str, metadata: meta.ObjectMetaArgs, args: pods.PodArgs, image: str, opts: pulumi.ResourceOptions
) -> batch.CronJob:
    """The schedule. `image`: of Postgres."""
    return batch.CronJob(
        name,
        metadata=metadata,
        spec=batch.CronJobSpecArgs(
            schedule=args.spec.dumps.schedule,
            time_zone="Etc/UTC",
            concurrency_policy="Forbid",
            starting_deadline_seconds=3600,
            successful_jobs_history_limit=1,
            failed_jobs_history_limit=3,
            job_template=batch.JobTemplateSpecArgs(
                spec=batch.JobSpecArgs(
                    backoff_limit=2, active_deadline_seconds=_DEADLINE_SECONDS, template=_template(args, image)
                )
            ),
        ),
        opts=opts,
    )


def dump(args: pods.PodArgs, database: str) -> list[str]:
    """Command that dumps a database, and reads the list of what it dumped."""
    script = 'pg_dump --format=custom --file="$1" --dbname="$2" && pg_restore --list "$1" > /dev/null'
    address = server.address(args.database, database).replace("+psycopg", "")
    return ["sh", "-ec", script, "dump", f"{FOLDER}/{database}.dump", address]


def _template(args: pods.PodArgs, image: str) -> core.PodTemplateSpecArgs:
    def stored(destination: str) -> list[str]:
        # Beside the artifacts, not among them: servers hand those out to every user.
        place = f"{destination.rpartition('/')[0]}/dumps"
        return ["python", f"{server.CONFIG}/{PROGRAM}", FOLDER, place, str(args.spec.dumps.keep_days)]

    names = {"experiments": args.database.name, "users": args.database.auth_name}
    first = [_container(args, role, image, dump(args, name)) for role, name in names.items()]
    last = _container(args, "store", args.image, pulumi.Output.from_input(args.destination).apply(stored))
    pod = pods.pod(args, last, artifacts=True, restart="Never", spread=False)
    pod.init_containers = first
    scratch = core.VolumeArgs(name="dumps", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit="20Gi"))
    pod.volumes = [*pods.volumes(args, artifacts=True), scratch]
    labels = {**args.labels, "app.kubernetes.io/instance": "mlflow-dump"}
    return core.PodTemplateSpecArgs(metadata=meta.ObjectMetaArgs(labels=labels), spec=pod)


def _container(
    args: pods.PodArgs, name: str, image: str, command: pulumi.Input[Sequence[pulumi.Input[str]]]
) -> core.ContainerArgs:
    return core.ContainerArgs(
        **pods.container(args, name, image),
        command=command,
        env=pods.variables(args),
        resources=core.ResourceRequirementsArgs(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "1Gi"}),
        volume_mounts=[
            *pods.mounts(args, artifacts=True),
            core.VolumeMountArgs(name="dumps", mount_path=FOLDER),
        ],
        # A failed Job shows its last lines.
        termination_message_policy="FallbackToLogsOnError",
    )
