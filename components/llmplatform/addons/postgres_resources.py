"""The resources from which CloudNativePG and its plugin make a server of Postgres and its backups.

Source: cloudnative-pg v1.30.0, api/v1/cluster_types.go and docs/src; plugin-barman-cloud v0.13.0, api/v1 and web/docs.
Not set: `spec.backup.barmanObjectStore`, `monitoring.enablePodMonitor`, `minSyncReplicas`: deprecated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from llmplatform.base.contracts import ObjectStore
from llmplatform.catalog.versions import CNPG_POSTGRES_IMAGE
from llmplatform.planning.pools import PoolPlan, placed
from llmplatform.specs.databases import ClusterBackups, InClusterPostgres
from llmplatform.specs.mirrors import Mirrors

PLUGIN = "barman-cloud.cloudnative-pg.io"
"""Its name to the operator (internal/cnpgi/metadata/constants.go)."""
ADMIN = "admin"
"""The login that makes roles and databases, and its own empty database."""
SOURCE = "source"
"""The backed-up server, within the new resource."""
_HOST, _ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What the resource refers to."""

    name: str
    """Name of the resource, of its Services' beginnings, and of its folder in the bucket."""
    admin_secret: pulumi.Input[str]
    authority_secret: pulumi.Input[str]
    """Secret with `ca.crt` and `ca.key`: the operator signs the servers' certificates, and renews them."""
    storage_class: pulumi.Input[str] | None
    mirrors: Mirrors
    pool: PoolPlan | None
    annotations: Mapping[str, pulumi.Input[str]]
    """Of the service account, which has the resource's name."""
    objects: pulumi.Input[str] | None
    """ObjectStore of its backups; None: there are none."""
    source_objects: pulumi.Input[str] | None
    """ObjectStore of the backups that it is restored from."""


def labels_of(name: str) -> dict[str, str]:
    """Labels of the pods of a server, those of its Jobs among them (pkg/specs/pods.go, jobs.go)."""
    return {"cnpg.io/cluster": name}


def resource(spec: InClusterPostgres, wiring: Wiring) -> dict[str, Any]:
    """The `spec` of the resource `Cluster`."""
    several = spec.instances > 1
    memory = f"{spec.memory_gib}Gi"
    return {
        "instances": spec.instances,
        "imageName": wiring.mirrors.image(CNPG_POSTGRES_IMAGE),
        "imagePullPolicy": "IfNotPresent",
        **_pulling(wiring),
        "primaryUpdateStrategy": "unsupervised",
        # By default the primary restarts at its place, and clients wait for it.
        "primaryUpdateMethod": "switchover" if several else "restart",
        "enableSuperuserAccess": False,
        # The budget of a single server would keep its node from ever being drained.
        "enablePDB": several,
        "certificates": {"serverCASecret": wiring.authority_secret},
        "serviceAccountTemplate": {"metadata": {"annotations": dict(wiring.annotations)}},
        "bootstrap": _bootstrap(spec, wiring),
        **_archive(spec, wiring),
        "managed": {"roles": [_admin(wiring)]},
        "postgresql": _postgresql(spec),
        "storage": _volume(spec.storage_gib, wiring),
        **({"walStorage": _volume(spec.wal_gib, wiring)} if spec.wal_gib else {}),
        # CPU has no limit: a query takes what is free.
        "resources": {"requests": {"cpu": f"{spec.millicores}m", "memory": memory}, "limits": {"memory": memory}},
        "affinity": _affinity(wiring, several=several),
        **({"topologySpreadConstraints": _zones(wiring.name)} if several else {}),
    }


def object_store(store: ObjectStore, environment: str, backups: ClusterBackups | None) -> dict[str, Any]:
    """The `spec` of the resource `ObjectStore`. `environment`: folder in the bucket. `backups`: None to read alone.

    The pods get their rights from their service account; the bucket encrypts what it is given without a key.
    """
    return {
        "configuration": {
            "destinationPath": pulumi.Output.concat(store.url, "/", environment),
            "s3Credentials": {"inheritFromIAMRole": True},
            "wal": {"compression": "gzip", "maxParallel": 4},
            "data": {"compression": "gzip", "jobs": 2},
        },
        **({"retentionPolicy": f"{backups.keep_days}d"} if backups else {}),
        "instanceSidecarConfiguration": {
            "env": [{"name": "AWS_DEFAULT_REGION", "value": store.region}],
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        },
    }


def scheduled_backup(name: str, backups: ClusterBackups) -> dict[str, Any]:
    """The `spec` of the resource `ScheduledBackup`."""
    return {
        "cluster": {"name": name},
        # Its cron begins with seconds (docs/src/backup.md).
        "schedule": f"0 {backups.schedule}",
        # Without a first one, nothing can be restored before the schedule comes.
        "immediate": True,
        "method": "plugin",
        "pluginConfiguration": {"name": PLUGIN},
        "target": "prefer-standby",
        "backupOwnerReference": "self",
    }


def _bootstrap(spec: InClusterPostgres, wiring: Wiring) -> dict[str, Any]:
    owned = {"database": ADMIN, "owner": ADMIN, "secret": {"name": wiring.admin_secret}}
    restored = spec.restore_from
    if restored is None:
        # The order of texts is Postgres' own, and not that of a C library that an image may change.
        locale = {"localeProvider": "builtin", "builtinLocale": "C.UTF-8", "locale": "C.UTF-8"}
        return {"initdb": {**owned, "encoding": "UTF8", "dataChecksums": True, **locale}}
    target = {"recoveryTarget": {"targetTime": restored.until}} if restored.until else {}
    return {"recovery": {**owned, "source": SOURCE, **target}}


def _archive(spec: InClusterPostgres, wiring: Wiring) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if wiring.objects is not None:
        parameters = {"barmanObjectName": wiring.objects, "serverName": wiring.name}
        found["plugins"] = [{"name": PLUGIN, "isWALArchiver": True, "parameters": parameters}]
    if spec.restore_from is not None:
        parameters = {"barmanObjectName": wiring.source_objects, "serverName": spec.restore_from.server}
        found["externalClusters"] = [{"name": SOURCE, "plugin": {"name": PLUGIN, "parameters": parameters}}]
    return found


def _admin(wiring: Wiring) -> dict[str, Any]:
    """No superuser: it reads no table of the roles that it makes until it becomes a member of them."""
    return {
        "name": ADMIN,
        "ensure": "present",
        "comment": "Makes roles and databases.",
        "login": True,
        "superuser": False,
        "createdb": True,
        "createrole": True,
        "passwordSecret": {"name": wiring.admin_secret},
    }


def _postgresql(spec: InClusterPostgres) -> dict[str, Any]:
    mebibytes = 1024 * spec.memory_gib
    usual = {
        # A quarter, and what it expects the node to cache (PostgreSQL documentation, "Resource Consumption").
        "shared_buffers": f"{mebibytes // 4}MB",
        "effective_cache_size": f"{mebibytes * 3 // 4}MB",
    }
    confirmed = spec.confirmed_by
    synchronous = {"method": "any", "number": confirmed, "dataDurability": "required", "failoverQuorum": True}
    return {
        "parameters": {**usual, **spec.parameters},
        # The rule after it lets every login in with its password, encrypted or not (docs/src/postgresql_conf.md).
        "pg_hba": ["hostnossl all all all reject"],
        **({"synchronous": synchronous} if confirmed else {}),
    }


def _volume(size_gib: int, wiring: Wiring) -> dict[str, Any]:
    chosen = {} if wiring.storage_class is None else {"storageClass": wiring.storage_class}
    return {"size": f"{size_gib}Gi", "resizeInUseVolumes": True, **chosen}


def _affinity(wiring: Wiring, *, several: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"enablePodAntiAffinity": several}
    if several:
        found |= {"topologyKey": _HOST, "podAntiAffinityType": "required"}
    return {**found, **placed(wiring.pool)}


def _zones(name: str) -> list[dict[str, Any]]:
    """Preferred: a zone may have no machines left while another one does. Nodes are kept apart by the affinity."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": _ZONE,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {**labels_of(name), "cnpg.io/podRole": "instance"}},
        }
    ]


def _pulling(wiring: Wiring) -> dict[str, Any]:
    found = wiring.mirrors.pull_secrets
    return {"imagePullSecrets": [{"name": each} for each in found]} if found else {}
