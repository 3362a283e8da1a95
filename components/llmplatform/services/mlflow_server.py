"""How an MLflow server is called: its command line, environment, configuration and network, without secrets.

Source: mlflow 3.17.2: cli.py, `server`; server/security_utils.py (hosts and origins); server/auth/config.py (the ini);
environment_variables.py. libpq takes the password from PGPASSWORD, so that it is in no address and no command line.
"""

from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from io import StringIO

from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.network_policy import Allow, Openings, addresses, https, namespace, own_pods, place
from llmplatform.specs.services import ExistingPostgres, Mlflow

PORT = 5000
CONFIG = "/etc/mlflow"
INI, CERTIFICATES = "basic_auth.ini", "database.pem"
"""Files in the folder of the configuration."""
METRICS = "/tmp/metrics"  # noqa: S108 the pod's own
_PRIVATE = ("10.*", "192.168.*", *(f"172.{second}.*" for second in range(16, 32)), "100.*")
"""Addresses of pods, by which Prometheus asks: MLflow's own default, and the shared range (RFC 6598), which clouds give
to pods as well."""


def address(database: ExistingPostgres, name: str, folder: str = CONFIG) -> str:
    """Address of a database on the server, with TLS and without a password. `folder`: of the certificates."""
    proved = f"verify-full&sslrootcert={folder}/{CERTIFICATES}" if database.certificates else "require"
    return f"postgresql+psycopg://{database.user}@{database.host}:{database.port}/{name}?sslmode={proved}"


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


def migrations(database: ExistingPostgres, folder: str = CONFIG) -> list[list[str]]:
    """Commands that create or upgrade the tables, one after the other. A server refuses to start on older ones."""
    return [
        ["mlflow", "db", "upgrade", address(database, database.name, folder)],
        ["python", "-m", "mlflow.server.auth", "db", "upgrade", "--url", address(database, database.auth_name, folder)],
    ]


def collection(database: ExistingPostgres, days: int, folder: str = CONFIG) -> list[str]:
    """Command that ends what was deleted so many days ago.

    It changes the database itself, and deletes artifacts through a server, because their addresses are a server's
    (mlflow 3.17.2, cli/__init__.py, `_gc_tracking_resources`).
    """
    return [
        "mlflow",
        "gc",
        f"--older-than={days}d",
        f"--backend-store-uri={address(database, database.name, folder)}",
        # Else it makes a folder for artifacts of its own (store/tracking/sqlalchemy_store.py).
        "--artifacts-destination=mlflow-artifacts:/",
    ]


def environment(database: ExistingPostgres, folder: str = CONFIG) -> Mapping[str, str]:
    """Variables of a server that are no secret."""
    return {
        "MLFLOW_BACKEND_STORE_URI": address(database, database.name, folder),
        "MLFLOW_AUTH_CONFIG_PATH": f"{folder}/{INI}",
        # A second process of 240 MB, for evaluations that the server itself would run.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "HOME": "/tmp",  # noqa: S108 the pod's own
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def ini(spec: Mlflow, database: ExistingPostgres, folder: str = CONFIG) -> str:
    """Configuration of users and rights. The administrator's password is a variable, read when there is no user yet."""
    config = ConfigParser(interpolation=None)
    config["mlflow"] = {
        "default_permission": spec.default_permission,
        "database_uri": address(database, database.auth_name, folder),
        "admin_username": "admin",
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    text = StringIO()
    config.write(text)
    return text.getvalue()


def openings(spec: Mlflow, database: ExistingPostgres, identity: WorkloadIdentity | None) -> Openings:
    """Named namespaces come in; servers reach their Postgres, and with an identity the store and its credentials."""
    peer, ports = place(database.host, database.port)
    found = {
        "allow-database": Allow(direction="Egress", peers=(peer,), ports=ports),
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
