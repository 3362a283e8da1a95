"""Dumps of MLflow's databases on a schedule, drills that restore them, and a Job that restores one for good.

Both databases are dumped before one of them is stored, beside the artifacts. With each goes a list of its tables, with
their rows and digests, of the same snapshot: a restore counts once the restored rows are the same.
A drill needs no right on the real server: it restores the newest dump in a Postgres of its own pod, which goes with it.
The other Job is a CronJob that is suspended: `kubectl create job --from` starts it. It restores into databases of
other names, to which the settings then change.
Source: PostgreSQL documentation, pg_dump (it reads servers of its own major version and of older ones) and pg_restore.
"""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.services.mlflow import jobs, pods, programs, server

KEEPER = "mlflow-dumps"
"""Service account of the Jobs, which alone has rights in the dumps: MLflow reads what it is told to with its own."""
PLACE = "dumps"
"""Folder of the dumps, beside that of the artifacts."""
FOLDER = "/dumps"
"""A dump on its way."""
_POSTGRES = 999
"""User of Postgres' image: initdb refuses one without a name (docker-library/postgres, Dockerfile-debian.template)."""

core = kubernetes.core.v1


def files() -> Mapping[str, str]:
    """Files in the folder of the configuration."""
    names = (programs.DUMPS, programs.DUMP, programs.ROWS, programs.DRILL, programs.RESTORE)
    return {name: programs.text(name) for name in names}


def restored(database: str) -> str:
    """Name of the database that one is restored into."""
    return f"{database}_restored"


def dump(args: pods.PodArgs, image: str) -> core.PodTemplateSpecArgs:
    """The pod of a dump. `image`: of Postgres."""

    def dumped(role: str, database: str) -> core.ContainerArgs:
        script = f'psql --no-psqlrc --dbname="$DATABASE" --file={server.CONFIG}/{programs.DUMP} && '
        script += 'pg_restore --list "$DUMP.dump" > /dev/null'
        env = {"DUMP": f"{FOLDER}/{role}", "DATABASE": database}
        return _step(args, role, ["sh", "-ec", script], image=image, env=[*pods.plain(env), *args.database])

    steps = [dumped(*each) for each in _databases(args).items()]
    return jobs.template(
        args, "dump", [*steps, _moved(args, "store", str(args.spec.dumps.keep_days))], [_scratch(args)]
    )


def drill(args: pods.PodArgs, image: str) -> core.PodTemplateSpecArgs:
    """The pod of a drill. `image`: of Postgres."""
    fetch = _moved(args, "fetch", "newest", str(args.spec.dumps.drill.newest_hours))
    command = ["sh", f"{server.CONFIG}/{programs.DRILL}", FOLDER, *_databases(args)]
    steps = [fetch, _step(args, "restore", command, image=image, user=_POSTGRES)]
    return jobs.template(args, "drill", steps, [_scratch(args)])


def restore(args: pods.PodArgs, image: str) -> core.PodTemplateSpecArgs:
    """The pod of a restore. `image`: of Postgres."""
    words = [word for role, old in _databases(args).items() for word in (role, old, restored(old))]
    command = ["bash", f"{server.CONFIG}/{programs.RESTORE}", f"{FOLDER}/dump", *words]
    steps = [
        _moved(args, "fetch", args.spec.dumps.restore),
        _step(args, "restore", command, image=image, env=args.database),
    ]
    return jobs.template(args, "restore", steps, [_scratch(args)])


def _databases(args: pods.PodArgs) -> Mapping[str, str]:
    """Name of a dump to that of its database, which may change."""
    return {"experiments": args.spec.databases.experiments, "users": args.spec.databases.users}


def _moved(args: pods.PodArgs, verb: str, *words: str) -> core.ContainerArgs:
    """A step between the folder and the store."""

    def command(destination: str) -> list[str]:
        # Beside the artifacts, not among them: servers hand those out to every user.
        place = f"{destination.rpartition('/')[0]}/{PLACE}"
        return ["python", f"{server.CONFIG}/{programs.DUMPS}", verb, FOLDER, place, *words]

    known = pulumi.Output.from_input(args.destination)
    return _step(args, verb, known.apply(command), env=pods.encryption(args))


def _step(
    args: pods.PodArgs,
    name: str,
    command: jobs.Command,
    *,
    image: str | None = None,
    user: int | None = None,
    env: Sequence[core.EnvVarArgs] = (),
) -> core.ContainerArgs:
    mounts = [core.VolumeMountArgs(name="dumps", mount_path=FOLDER)]
    disk = args.spec.dumps.scratch_gib
    return jobs.step(args, name, command, image=image, user=user, env=env, mounts=mounts, disk_gib=disk)


def _scratch(args: pods.PodArgs) -> core.VolumeArgs:
    size = f"{args.spec.dumps.scratch_gib}Gi"
    return core.VolumeArgs(name="dumps", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=size))
