"""Who may log in to MLflow: its own keys, the administrator, and the users of the settings.

MLflow makes the administrator at its first start. A Job makes the others through MLflow's API, and deletes those that
the settings name no more.
A Secret of a user holds the variables that MLflow's client reads, for `envFrom`.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.services.mlflow import jobs, pods, programs, server
from llmplatform.services.mlflow.database import PASSWORD as PASSWORD_OF_DATABASE
from llmplatform.specs.services import Mlflow, MlflowUser

FILE = "users.json"
"""The declared users, in the folder of the configuration."""
ADMIN, KEYS = "mlflow-admin", "mlflow-keys"
URI, USERNAME, PASSWORD = "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
"""Keys of a user's Secret."""
_FOLDER = "/etc/users"

core = kubernetes.core.v1
meta = kubernetes.meta.v1


def secret_of(user: str) -> str:
    """Name of a user's Secret."""
    return f"mlflow-user-{user}"


def files(spec: Mlflow) -> Mapping[str, str]:
    """Files in the folder of the configuration."""
    rights = {name: _rights(user) for name, user in sorted(spec.users.items())}
    return {FILE: json.dumps(rights, indent=1), programs.USERS: programs.text(programs.USERS)}


def _rights(user: MlflowUser) -> Mapping[str, str]:
    """Types of MLflow's to permissions; what is in an experiment follows it."""
    given = {"experiment": user.experiments, "registered_model": user.models, "prompt": user.models}
    return {kind: level for kind, level in given.items() if level}


@dataclass(frozen=True, kw_only=True)
class Logins:
    """Makes Secrets with generated passwords, as children of a component."""

    name: str
    """Of the component."""
    namespace: pulumi.Input[str]
    others: Mapping[str, pulumi.Input[str]]
    """Namespaces of this stack that may get copies, with what they wait for."""
    opts: pulumi.ResourceOptions

    def keys(self, database_password: pulumi.Input[str] | None) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """The Secret with the servers' own keys, and the key of their sessions.

        `database_password`: of a server that exists.
        """
        session = self._generated("session")
        held = {
            pods.SESSION: session,
            pods.PASSPHRASE: self._generated("passphrase"),
            # Fernet takes 32 bytes in URL-safe Base64.
            pods.WEBHOOKS: self._generated("webhooks", length=32).apply(
                lambda text: base64.urlsafe_b64encode(text.encode()).decode()
            ),
            **({PASSWORD_OF_DATABASE: pulumi.Output.secret(database_password)} if database_password else {}),
        }
        return self._secret("keys", KEYS, held), session

    def admin(self) -> pulumi.Output[str]:
        """The Secret of the administrator."""
        return self._secret("admin", ADMIN, {"username": "admin", "password": self._generated("admin")})

    def users(self, spec: Mlflow) -> Mapping[str, pulumi.Output[str]]:
        """User to Secret; with copies where the settings ask for them."""
        return dict(self._users(spec.users))

    def _users(self, users: Mapping[str, MlflowUser]) -> Iterator[tuple[str, pulumi.Output[str]]]:
        for name, user in users.items():
            role = f"user-{name}"
            held = {
                URI: server.url(Mlflow.namespaces[0]),
                USERNAME: name,
                PASSWORD: self._generated(role, keepers={"version": str(user.password_version)}),
            }
            yield name, self._secret(role, secret_of(name), held)
            for space in user.namespaces:
                self._secret(f"{role}-{space}", secret_of(name), held, namespace=self.others.get(space, space))

    def _generated(
        self, role: str, *, length: int = 40, keepers: Mapping[str, str] | None = None
    ) -> pulumi.Output[str]:
        made = random.RandomPassword(
            f"{self.name}-{role}", length=length, special=False, keepers=keepers, opts=self.opts
        )
        return pulumi.Output.secret(made.result)

    def _secret(
        self, role: str, name: str, held: Mapping[str, pulumi.Input[str]], *, namespace: pulumi.Input[str] | None = None
    ) -> pulumi.Output[str]:
        made = core.Secret(
            f"{self.name}-{role}-secret",
            metadata=meta.ObjectMetaArgs(
                name=name, namespace=namespace or self.namespace, labels=labels("mlflow", instance=self.name)
            ),
            string_data=held,
            opts=self.opts,
        )
        return after(name, made)


def job(args: pods.PodArgs, users: Mapping[str, pulumi.Output[str]]) -> core.PodTemplateSpecArgs:
    """The pod of the Job. `users`: user to Secret."""
    sources = [
        core.VolumeProjectionArgs(
            secret=core.SecretProjectionArgs(name=secret, items=[core.KeyToPathArgs(key=PASSWORD, path=name)])
        )
        for name, secret in users.items()
    ]
    mounts = [core.VolumeMountArgs(name="users", mount_path=_FOLDER, read_only=True)]
    command = ["python", f"{server.CONFIG}/{programs.USERS}", f"{server.CONFIG}/{FILE}", _FOLDER]
    volume = core.VolumeArgs(name="users", projected=core.ProjectedVolumeSourceArgs(sources=sources))
    steps = [jobs.step(args, "users", command, env=pods.login(args), mounts=mounts)]
    return jobs.template(args, "users", steps, [volume])


def inputs(spec: Mlflow) -> list[object]:
    """What asks for another run of the Job."""
    versions = {name: user.password_version for name, user in sorted(spec.users.items())}
    return [files(spec), versions]
