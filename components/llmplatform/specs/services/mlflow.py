"""MLflow: experiments, and a registry of models with their artifacts."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.databases import ExistingPostgres, InClusterPostgres, NewPostgres
from llmplatform.specs.objects import ExistingStore, NewStore
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Host
from llmplatform.specs.vocabulary.names import DatabaseName, Name
from llmplatform.specs.vocabulary.times import DumpMoment, Moment

ADMINISTRATOR = "admin"
"""User that MLflow has in any case."""


class MlflowPostgres(ExistingPostgres):
    """A server that exists, with both databases and a user. `secrets.mlflow_database_password` is its password."""

    user: DatabaseName = "mlflow"
    """User, who owns both databases, or may create tables in both."""


class MlflowDatabases(Section):
    """Names of MLflow's databases. The stack makes those of its own servers, and leaves them when a name changes."""

    experiments: DatabaseName = "mlflow"
    """Experiments and models."""
    users: DatabaseName = "mlflow_auth"
    """Users and their rights: another database, in the same server."""


class Volume(Section):
    """A volume of the class that many pods share."""

    kind: Literal["volume"]
    size_gib: Annotated[int, Field(ge=1, le=65536)] = 100
    """Size that is asked for. A shared file system grows by itself and ignores it."""


class MlflowDrill(Section):
    """A drill: the newest dump is restored in a Postgres of the drill's own pod, and compared with what was dumped."""

    enabled: bool = True
    schedule: Moment = "17 5 1 * *"
    """When, in UTC: minute, hour, day, month and weekday."""
    newest_hours: Annotated[int, Field(ge=1, le=8784)] = 48
    """Age in hours at which the newest dump counts as missing: an alert fires, and the drill fails."""


class Dumps(Section):
    """Dumps of both databases, beside the artifacts."""

    enabled: bool = True
    schedule: Moment = "17 2 * * *"
    """When, in UTC: minute, hour, day, month and weekday."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Days that a dump is kept."""
    scratch_gib: Annotated[int, Field(ge=1, le=2048)] = 20
    """Disk of a node for a dump, a drill or a restore, in GiB. Both dumps must fit, and in a drill beside them both
    databases as they are; a pod that takes more is evicted."""
    drill: MlflowDrill = MlflowDrill()
    restore: DumpMoment = "newest"
    """Dump that the Job of `cronjob/mlflow-restore` restores: `newest`, or its moment, the name of its folder."""


class MlflowCollection(Section):
    """Collection of deleted runs, models and experiments. MLflow marks them as deleted, and keeps their artifacts."""

    enabled: bool = False
    schedule: Moment = "47 3 * * *"
    """When, in UTC: minute, hour, day, month and weekday."""
    older_than_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days after its deletion for which a run can still be restored in MLflow."""


MlflowLevel = Literal["READ", "USE", "EDIT", "MANAGE", "DENY"]
"""A permission of MLflow."""


class MlflowUser(Section):
    """A user, e.g. of a team. It manages what it creates; `default_permission` is for the rest."""

    experiments: MlflowLevel | None = None
    """What it may do with all experiments and their runs, at least `default_permission`; `DENY` takes that as well."""
    models: MlflowLevel | None = None
    """What it may do with all registered models and prompts, likewise."""
    namespaces: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    """Namespaces that exist and get a copy of its Secret `mlflow-user-NAME`. Their pods may call MLflow."""
    password_version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Another number is another password."""


Artifacts = Annotated[NewStore | ExistingStore | Volume, Field(discriminator="kind")]


class Mlflow(Capability):
    """MLflow: experiments, and a registry of models with their artifacts.

    Clients log in with users of MLflow's own; the first is `admin`, with a generated password. They send and fetch
    artifacts through the server, which alone has rights in the store.
    """

    namespaces: ClassVar = ("mlflow",)

    enabled: bool = False
    database: Annotated[NewPostgres | InClusterPostgres | MlflowPostgres, Field(discriminator="kind")] | None = None
    """Its server of Postgres, which it needs: a `new` one that the cloud manages, one `in_cluster`, or an
    `existing` one."""
    databases: MlflowDatabases = MlflowDatabases()
    artifacts: Artifacts = NewStore(kind="new")
    """Store of the artifacts: a `new` bucket, an `existing` one, or a shared `volume`. On Alibaba Cloud a `volume`: the
    server's client of OSS needs a permanent key."""
    dumps: Dumps = Dumps()
    """Dumps of the databases to the store of the artifacts."""
    collection: MlflowCollection = MlflowCollection()
    users: Annotated[dict[Name, MlflowUser], Field(max_length=100)] = Field(default_factory=dict)
    """Users beside `admin`, by name. One that is taken out here is deleted in MLflow; others are left alone."""
    replicas: Annotated[int, Field(ge=1, le=20)] = 2
    """Number of servers."""
    hosts: Annotated[tuple[Host, ...], Field(max_length=20)] = ()
    """Further host names that clients use, e.g. of a gateway before it. The names of its Service, and localhost for
    `kubectl port-forward`, always work; a request for any other host is refused."""
    clients: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    """Namespaces whose pods may call it."""
    default_permission: Literal["READ", "USE", "EDIT", "MANAGE", "NO_PERMISSIONS"] = "READ"
    """What a user may do with the experiments and models of others."""
    memory_gib: Annotated[int, Field(ge=1, le=256)] = 2
    """Memory of a server."""
    scratch_gib: Annotated[int, Field(ge=1, le=1024)] = 10
    """Disk of a server's node for files on their way. With a bucket, each artifact that is sent or fetched is a whole
    file there until it is done: all at once must fit, or the server is evicted."""

    @property
    def callers(self) -> tuple[str, ...]:
        """Namespaces whose pods may call it."""
        return tuple(sorted({*self.clients, *(each for user in self.users.values() for each in user.namespaces)}))
