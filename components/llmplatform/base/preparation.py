"""The roles and databases of one service in a server of Postgres, made by a Job, and the service's login.

Makes: an owner that cannot log in, one of its two logins with a generated password, the databases, and the Secret with
the login. A rotation changes to the other login, while the first one works on: no connection is lost. The Secret
changes after the Job has succeeded.
Does not: the server, or the policy that opens the way to it (`Database.opening`).
The Job alone gets the administrator's password, and of the service's own password only what Postgres keeps of it.
Dangerous to replace: the owner's comment in the database counts the rotations; without it a version could be skipped.
Source: PostgreSQL documentation, CREATE ROLE, ALTER ROLE (`SET role`), Role Membership; psql, `getenv` and `gexec`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Database
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.base.scram import verifier

USER, PASSWORD = "username", "password"
"""Keys of the Secret with the login."""
SCRIPT, CERTIFICATES = "preparation.sql", "database.pem"
"""Files of the Job."""
FOLDER = "/etc/preparation"
_VERIFIER = "verifier"
_UID = 1000
_CONTAINER = "psql"
_DEADLINE_SECONDS = 1800
"""A new server in the cluster takes a quarter of an hour."""
_NO_CONNECTION = 2
"""Exit code of psql without a connection, or that lost it (PostgreSQL documentation, psql, Exit Status)."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1
batch = kubernetes.batch.v1


@dataclass(frozen=True, kw_only=True)
class PreparationArgs:
    """Arguments of `Preparation`. The component needs a Kubernetes and a random provider."""

    database: Database
    owner: str
    """Name of the role that owns the databases, and the beginning of its logins' names."""
    databases: tuple[str, ...]
    password_version: int
    may_create_databases: bool = False
    """Whether the owner may create further ones, as a restore into new names does."""
    namespace: pulumi.Input[str]
    """Namespace of the service, open to the server."""
    image: str
    """Image with psql."""
    pull_secrets: Sequence[str] = ()

    @property
    def login(self) -> str:
        """The login that is in use with this version of the password."""
        return f"{self.owner}_{'ba'[self.password_version % 2]}"


class Preparation(PlatformComponent):
    """The databases of a service, and its login."""

    secret: pulumi.Output[str]
    """Secret with `username` and `password` of the login. Depends on the databases."""
    password: pulumi.Output[str]
    """The login's password, a secret: pods that restart with it read the Secret anew."""

    def __init__(self, name: str, args: PreparationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:base:Preparation", name, opts)
        self._logical, self._args = name, args
        self._labels = labels(args.owner, instance=f"{args.owner}-preparation")
        self.password, kept = self._passwords()
        job = self._job(self._secret(kept), self._files(), kept)
        login = core.Secret(
            f"{name}-login-secret",
            metadata=self._meta(f"{name}-login"),
            string_data={USER: after(args.login, job), PASSWORD: self.password},
            opts=self.child(),
        )
        self.secret = after(f"{name}-login", login)
        self.finish()

    def _meta(self, name: str, annotations: Mapping[str, str] | None = None) -> meta.ObjectMetaArgs:
        args = self._args
        return meta.ObjectMetaArgs(name=name, namespace=args.namespace, labels=self._labels, annotations=annotations)

    def _passwords(self) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """The login's password, and what Postgres keeps of it."""
        # Each version has a name of its own: a failed update deletes nothing (pulumi, pkg/resource/deploy,
        # deploymentExecutor.performDeletes), so that the settings can go back from a refused version to the password
        # that pods have. A keeper would make that one anew.
        version = self._args.password_version
        made = random.RandomPassword(f"{self._logical}-password-{version}", length=40, special=False, opts=self.child())
        salt = random.RandomId(f"{self._logical}-salt-{version}", byte_length=16, opts=self.child())
        password = pulumi.Output.secret(made.result)
        kept = pulumi.Output.all(password, salt.b64_std).apply(lambda found: verifier(found[0], found[1]))
        return password, pulumi.Output.secret(kept)

    def _secret(self, kept: pulumi.Output[str]) -> pulumi.Output[str]:
        name = f"{self._logical}-preparation"
        secret = core.Secret(
            f"{name}-secret",
            metadata=self._meta(name),
            string_data={PASSWORD: self._args.database.admin.password, _VERIFIER: kept},
            opts=self.child(),
        )
        return after(name, secret)

    def _files(self) -> pulumi.Output[str]:
        name, certificates = f"{self._logical}-preparation", self._args.database.certificates
        made = core.ConfigMap(
            f"{name}-files",
            metadata=self._meta(name),
            data={SCRIPT: script(), **({CERTIFICATES: certificates} if certificates else {})},
            opts=self.child(),
        )
        return after(name, made)

    def _job(self, secret: pulumi.Output[str], files: pulumi.Output[str], kept: pulumi.Output[str]) -> batch.Job:
        """What a Job cannot change is in its name. A completed one stays, and a repeated one changes nothing."""
        args = self._args
        mark = _mark(args.image, script(), args.databases, args.password_version, args.may_create_databases)
        seconds = f"{_DEADLINE_SECONDS + 300}s"
        return batch.Job(
            f"{self._logical}-preparation",
            metadata=self._meta(f"{self._logical}-preparation-{mark}", {"pulumi.com/replaceUnready": "true"}),
            spec=batch.JobSpecArgs(
                backoff_limit=0,
                active_deadline_seconds=_DEADLINE_SECONDS,
                pod_failure_policy=_failures(),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(
                        labels=self._labels, annotations={"llmplatform.dev/login": kept.apply(_mark)}
                    ),
                    spec=self._pod(secret, files),
                ),
            ),
            opts=self.child(custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds)),
        )

    def _pod(self, secret: pulumi.Output[str], files: pulumi.Output[str]) -> core.PodSpecArgs:
        args = self._args

        def held(variable: str, key: str) -> core.EnvVarArgs:
            source = core.SecretKeySelectorArgs(name=secret, key=key)
            return core.EnvVarArgs(name=variable, value_from=core.EnvVarSourceArgs(secret_key_ref=source))

        return core.PodSpecArgs(
            automount_service_account_token=False,
            enable_service_links=False,
            restart_policy="Never",
            image_pull_secrets=[core.LocalObjectReferenceArgs(name=name) for name in args.pull_secrets] or None,
            security_context=core.PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=_UID,
                run_as_group=_UID,
                seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            containers=[
                core.ContainerArgs(
                    name=_CONTAINER,
                    image=args.image,
                    image_pull_policy="IfNotPresent",
                    command=["psql", "--no-psqlrc", "--quiet", f"--file={FOLDER}/{SCRIPT}"],
                    env=[
                        *(core.EnvVarArgs(name=name, value=value) for name, value in variables(args).items()),
                        held("PGPASSWORD", PASSWORD),
                        held("VERIFIER", _VERIFIER),
                    ],
                    security_context=core.SecurityContextArgs(
                        allow_privilege_escalation=False,
                        privileged=False,
                        read_only_root_filesystem=True,
                        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
                    ),
                    resources=core.ResourceRequirementsArgs(
                        requests={"cpu": "50m", "memory": "64Mi"}, limits={"memory": "128Mi"}
                    ),
                    volume_mounts=[core.VolumeMountArgs(name="files", mount_path=FOLDER, read_only=True)],
                    # A failed update shows its last lines.
                    termination_message_policy="FallbackToLogsOnError",
                )
            ],
            volumes=[core.VolumeArgs(name="files", config_map=core.ConfigMapVolumeSourceArgs(name=files))],
        )


def variables(args: PreparationArgs) -> Mapping[str, pulumi.Input[str]]:
    """Variables of the Job that are no secret."""
    database = args.database
    proved = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": f"{FOLDER}/{CERTIFICATES}"}
    return {
        "PGHOST": database.host,
        "PGPORT": database.port.apply(str),
        "PGDATABASE": "postgres",
        "PGUSER": database.admin.user,
        "PGCONNECT_TIMEOUT": "10",
        **(proved if database.certificates else {"PGSSLMODE": "require"}),
        "OWNER": args.owner,
        "OWNER_RIGHTS": "CREATEDB" if args.may_create_databases else "NOCREATEDB",
        "LOGIN": args.login,
        "PASSWORD_VERSION": str(args.password_version),
        "DATABASES": " ".join(args.databases),
    }


@cache
def script() -> str:
    """The program of psql."""
    return (files("llmplatform.base") / SCRIPT).read_text(encoding="utf-8")


def _failures() -> batch.PodFailurePolicyArgs:
    """Failures that cost no try, because there is only one: all others, such as a refusal, fail the Job at once.

    It is not `FailJob`, whose end an update never sees (pulumi-kubernetes, provider/pkg/await/checker/job/check.go,
    `collectJobConditionErrors`). Tries that cost nothing come after 10 seconds, 20 and so on to ten minutes (Kubernetes
    1.35, pkg/controller/job, `backoffRecord`), until the deadline.
    """
    again = batch.PodFailurePolicyOnExitCodesRequirementArgs(
        container_name=_CONTAINER, operator="In", values=[_NO_CONNECTION]
    )
    disrupted = batch.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")
    return batch.PodFailurePolicyArgs(
        rules=[
            batch.PodFailurePolicyRuleArgs(action="Ignore", on_pod_conditions=[disrupted]),
            batch.PodFailurePolicyRuleArgs(action="Ignore", on_exit_codes=again),
        ]
    )


def _mark(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]
