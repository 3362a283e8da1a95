"""How an MLflow server is called: its command line, environment, configuration and network, without secrets.

Source: mlflow 3.17.2: cli.py, `server`; server/security_utils.py (hosts and origins); server/auth/config.py (the ini);
environment_variables.py. The database is in variables of libpq alone, so that no address has a password.
"""

from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from io import StringIO

from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.network_policy import Allow, Openings, addresses, https, namespace, own_pods
from llmplatform.specs.services import Mlflow, MlflowDatabases

PORT = 5000
CONFIG = "/etc/mlflow"
INI, CERTIFICATES = "basic_auth.ini", "database.pem"
"""Files in the folder of the configuration."""
METRICS = "/tmp/metrics"  # noqa: S108 the pod's own
SOURCES = {
    # The second part stands for no source: prompts have none (prompt/constants.py).
    "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": (
        r"\A(?:(?:models|runs|mlflow-artifacts):/|(?:dummy-source|prompt-template)\Z)"
    )
}
"""What a model version may be made of: runs and models: MLflow asks whether the user may read these. From any
other address it hands out what its own role can read (server/auth/__init__.py, `validate_can_create_model_version`;
server/handlers.py, `_validate_source_run`)."""
_PRIVATE = ("10.*", "192.168.*", *(f"172.{second}.*" for second in range(16, 32)), "100.*")
"""Addresses of pods, by which Prometheus asks: MLflow's own default, and the shared range (RFC 6598), which clouds give
to pods as well."""


def address(name: str) -> str:
    """Address of a database: libpq's variables say where it is, and who asks."""
    return f"postgresql+psycopg:///{name}"


def url(namespace: str) -> str:
    """Address of the servers in the cluster."""
    return f"http://mlflow.{namespace}.svc:{PORT}"


def hosts(namespace: str, further: Sequence[str]) -> list[str]:
    """Values of the header `Host` that are answered. A client adds the port unless it is the scheme's own."""
    service = ["mlflow", f"mlflow.{namespace}", f"mlflow.{namespace}.svc", f"mlflow.{namespace}.svc.cluster.local"]
    named = ["localhost", "127.0.0.1", *service, *further]
    return [*named, *(f"{name}:*" for name in named), *_PRIVATE]


def arguments(spec: Mlflow, namespace: str, destination: str, *, port: int = PORT) -> list[str]:
    """Command line of a server. `destination`: where artifacts are kept."""
    return [
        "mlflow",
        "server",
        "--app-name=basic-auth",
        "--host=0.0.0.0",
        f"--port={port}",
        # Each worker counts requests by itself, and a scrape sees one of them.
        "--workers=1",
        "--serve-artifacts",
        f"--artifacts-destination={destination}",
        f"--expose-prometheus={METRICS}",
        f"--allowed-hosts={','.join(hosts(namespace, spec.hosts))}",
        *([f"--cors-allowed-origins={','.join(f'https://{host}' for host in spec.hosts)}"] if spec.hosts else []),
    ]


def migrations(names: MlflowDatabases) -> list[list[str]]:
    """Commands that create or upgrade the tables, one after the other. A server refuses to start on older ones."""
    return [
        ["mlflow", "db", "upgrade", address(names.experiments)],
        ["python", "-m", "mlflow.server.auth", "db", "upgrade", "--url", address(names.users)],
    ]


def collection(names: MlflowDatabases, days: int) -> list[str]:
    """Command that ends what was deleted so many days ago.

    It changes the database itself, and deletes artifacts through a server, because their addresses are a server's
    (mlflow 3.17.2, cli/__init__.py, `_gc_tracking_resources`).
    """
    return [
        "mlflow",
        "gc",
        f"--older-than={days}d",
        f"--backend-store-uri={address(names.experiments)}",
        # Else it makes a folder for artifacts of its own (store/tracking/sqlalchemy_store.py).
        "--artifacts-destination=mlflow-artifacts:/",
    ]


def environment(names: MlflowDatabases, folder: str = CONFIG) -> Mapping[str, str]:
    """Variables of a server that are no secret."""
    return {
        "MLFLOW_BACKEND_STORE_URI": address(names.experiments),
        "MLFLOW_AUTH_CONFIG_PATH": f"{folder}/{INI}",
        # A second process of 240 MB, for evaluations that the server itself would run.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "HOME": "/tmp",  # noqa: S108 the pod's own
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def ini(spec: Mlflow) -> str:
    """Configuration of users and rights. The administrator's password is a variable, read when there is no user yet."""
    config = ConfigParser(interpolation=None)
    config["mlflow"] = {
        "default_permission": spec.default_permission,
        "database_uri": address(spec.databases.users),
        "admin_username": "admin",
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    text = StringIO()
    config.write(text)
    return text.getvalue()


def openings(spec: Mlflow, database: Allow, identity: WorkloadIdentity | None) -> Openings:
    """Named namespaces come in; servers reach their Postgres, and with an identity the store and its credentials."""
    found = {
        "allow-database": database,
        # Its Jobs are clients, too.
        "allow-servers-in": Allow(direction="Ingress", peers=(own_pods(),), ports=(PORT,)),
        "allow-servers-out": Allow(direction="Egress", peers=(own_pods(),), ports=(PORT,)),
    }
    if spec.callers:
        peers = tuple(map(namespace, spec.callers))
        found["allow-clients"] = Allow(direction="Ingress", peers=peers, ports=(PORT,))
    if identity is None:
        return found
    if identity.credentials:
        range_, port = identity.credentials
        found["allow-credentials"] = Allow(direction="Egress", peers=(addresses(range_),), ports=(port,))
    return {**found, **https()}
