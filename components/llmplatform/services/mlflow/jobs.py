"""The Jobs of MLflow: steps one after the other in a pod of its image or another one, once or on a schedule."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.services.mlflow import pods, server

core = kubernetes.core.v1
meta = kubernetes.meta.v1
batch = kubernetes.batch.v1

SECONDS = 1800
"""Time for a Job that an update waits for."""
HOURS = 4
"""Time for one on a schedule."""
AGAIN = {"pulumi.com/replaceUnready": "true"}
"""Annotation: the next update makes one again that has failed."""
_TEMPORARY_GIB = 10
"""Not `scratch_gib` of the servers: a Job cannot change, and would be made anew with it."""
NEVER = "0 0 29 2 *"
"""Schedule of what is only started by hand; it is suspended as well."""
Command = pulumi.Input[Sequence[pulumi.Input[str]]]


def step(
    args: pods.PodArgs,
    name: str,
    command: Command,
    *,
    image: str | None = None,
    user: int | None = None,
    env: Sequence[core.EnvVarArgs] = (),
    mounts: Sequence[core.VolumeMountArgs] = (),
    disk_gib: int | None = None,
) -> core.ContainerArgs:
    """A container that ends. `image` and `user`: others than MLflow's; `disk_gib`: what it writes there."""
    disk = {"ephemeral-storage": f"{disk_gib}Gi"} if disk_gib else {}
    return core.ContainerArgs(
        **pods.container(args, name, image, user),
        command=command,
        env=[*pods.plain(server.environment(args.spec.databases)), *env],
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": "250m", "memory": "512Mi", **disk}, limits={"memory": "1Gi"}
        ),
        volume_mounts=[*pods.mounts(args, artifacts=True), *mounts],
        # A failed Job shows its last lines.
        termination_message_policy="FallbackToLogsOnError",
    )


def template(
    args: pods.PodArgs, role: str, steps: Sequence[core.ContainerArgs], volumes: Sequence[core.VolumeArgs] = ()
) -> core.PodTemplateSpecArgs:
    """The pod of a Job: the first step that fails ends it."""
    *before, last = steps
    pod = pods.pod(args, last, artifacts=True, restart="Never", spread=False)
    pod.init_containers = before or None
    pod.volumes = [*pods.volumes(args, artifacts=True, temporary_gib=_TEMPORARY_GIB), *volumes]
    labels = {**args.labels, "app.kubernetes.io/instance": f"mlflow-{role}"}
    return core.PodTemplateSpecArgs(metadata=meta.ObjectMetaArgs(labels=labels), spec=pod)


def once(
    name: str, metadata: meta.ObjectMetaArgs, template: core.PodTemplateSpecArgs, opts: pulumi.ResourceOptions
) -> batch.Job:
    """A Job that an update waits for. What a Job cannot change is in its name; a completed one stays."""
    seconds = f"{SECONDS + 300}s"
    timeouts = pulumi.CustomTimeouts(create=seconds, update=seconds)
    return batch.Job(
        name,
        metadata=metadata,
        spec=batch.JobSpecArgs(backoff_limit=6, active_deadline_seconds=SECONDS, template=template),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(custom_timeouts=timeouts)),
    )


def scheduled(
    name: str,
    metadata: meta.ObjectMetaArgs,
    schedule: str,
    template: core.PodTemplateSpecArgs,
    opts: pulumi.ResourceOptions,
    *,
    retries: int = 2,
    suspend: bool | None = None,
) -> batch.CronJob:
    """Jobs on a schedule in UTC, one at a time. `suspend`: they are only started by hand."""
    return batch.CronJob(
        name,
        metadata=metadata,
        spec=batch.CronJobSpecArgs(
            schedule=schedule,
            suspend=suspend,
            time_zone="Etc/UTC",
            concurrency_policy="Forbid",
            starting_deadline_seconds=3600,
            successful_jobs_history_limit=1,
            failed_jobs_history_limit=3,
            job_template=batch.JobTemplateSpecArgs(
                spec=batch.JobSpecArgs(backoff_limit=retries, active_deadline_seconds=HOURS * 3600, template=template)
            ),
        ),
        opts=opts,
    )


def migration(args: pods.PodArgs) -> core.PodTemplateSpecArgs:
    """The tables of both databases, one after the other."""
    names, commands = ("tables", "users"), server.migrations(args.spec.databases)
    steps = [step(args, *each, env=args.database) for each in zip(names, commands, strict=True)]
    return template(args, "migration", steps)


def collection(args: pods.PodArgs) -> core.PodTemplateSpecArgs:
    """What was deleted long enough ago."""
    command = server.collection(args.spec.databases, args.spec.collection.older_than_days)
    env = [*args.database, *pods.login(args)]
    return template(args, "collection", [step(args, "collect", command, env=env)])
