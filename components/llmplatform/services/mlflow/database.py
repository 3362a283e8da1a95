"""MLflow's way to its Postgres: the server, the login, and what libpq reads of them in a pod.

A server of the stack gets its roles and databases by a Job, and its login is a Secret of that Job. A server that exists
has both, and its password is a secret of the settings.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base import preparation
from llmplatform.base.contracts import Database
from llmplatform.base.network_policy import Allow, place
from llmplatform.specs.services import Mlflow, MlflowPostgres

PASSWORD = "database-password"  # noqa: S105 a key
"""Key of the password in the Secret of the servers' own keys."""

core = kubernetes.core.v1


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of Postgres, as its clients reach it."""

    host: pulumi.Input[str]
    port: pulumi.Input[str]
    certificates: pulumi.Input[str] | None
    """Authorities that sign its certificate, as PEM."""
    opening: Allow


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user, and the Secret with its password."""

    user: str | None
    """None: it is in the Secret as well."""
    secret: pulumi.Input[str]
    password: pulumi.Input[str]
    """The password, by which pods are restarted."""


def existing(spec: MlflowPostgres) -> Server:
    """A server that exists."""
    peer, ports = place(spec.host, spec.port)
    opening = Allow(direction="Egress", peers=(peer,), ports=ports)
    return Server(host=spec.host, port=str(spec.port), certificates=spec.certificates, opening=opening)


def made(database: Database) -> Server:
    """A server of the stack."""
    return Server(
        host=database.host,
        port=database.port.apply(str),
        certificates=database.certificates,
        opening=database.opening,
    )


def prepared(
    name: str,
    spec: Mlflow,
    database: Database,
    *,
    namespace: pulumi.Input[str],
    image: str,
    pull_secrets: tuple[str, ...],
    opts: pulumi.ResourceOptions,
) -> Login:
    """The login that a Job makes, with both databases, in a server of the stack."""
    if spec.database is None or isinstance(spec.database, MlflowPostgres):
        raise ValueError("services.mlflow.database: this server has a login already")
    args = preparation.PreparationArgs(
        database=database,
        owner="mlflow",
        databases=(spec.databases.experiments, spec.databases.users),
        password_version=spec.database.password_version,
        # A restore makes databases of other names.
        may_create_databases=True,
        namespace=namespace,
        image=image,
        pull_secrets=pull_secrets,
    )
    done = preparation.Preparation(name, args, opts)
    return Login(user=None, secret=done.secret, password=done.password)


def variables(server: Server, login: Login, certificates: str) -> list[core.EnvVarArgs]:
    """Variables of libpq. `certificates`: their file in a pod."""
    proved = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": certificates}
    plain: dict[str, pulumi.Input[str]] = {
        "PGHOST": server.host,
        "PGPORT": server.port,
        **(proved if server.certificates is not None else {"PGSSLMODE": "require"}),
    }
    user = login.user
    key = preparation.PASSWORD if user is None else PASSWORD
    return [
        *(core.EnvVarArgs(name=name, value=value) for name, value in plain.items()),
        core.EnvVarArgs(name="PGUSER", value=user) if user else _held("PGUSER", login, preparation.USER),
        _held("PGPASSWORD", login, key),
    ]


def _held(variable: str, login: Login, key: str) -> core.EnvVarArgs:
    source = core.SecretKeySelectorArgs(name=login.secret, key=key)
    return core.EnvVarArgs(name=variable, value_from=core.EnvVarSourceArgs(secret_key_ref=source))
