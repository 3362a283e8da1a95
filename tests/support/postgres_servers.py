"""Servers of Postgres within a cluster, as a service of the namespace `mlflow` asks for them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from llmplatform.addons import cnpg
from llmplatform.base.contracts import Database, Grant
from llmplatform.base.foundation import CloudServices
from llmplatform.base.site import CERTIFICATES, MONITORS
from llmplatform.specs.addons import Cnpg
from llmplatform.specs.databases import ClusterBackups, InClusterPostgres, Restore
from support.sites import Identity, site
from support.stores import Store

AGENT = ("169.254.170.23/32", 80)
SMALL = InClusterPostgres(kind="in_cluster")
LASTING = InClusterPostgres(
    kind="in_cluster", instances=3, memory_gib=4, wal_gib=8, pool="system", backups=ClusterBackups()
)
RESTORED = LASTING.model_copy(
    update={"name": "mlflow-2", "restore_from": Restore(server="mlflow", until="2026-11-30T12:00:00Z")}
)


def _identity(name: str, /, *, namespace: str, service_account: str, grants: Sequence[Grant]) -> Any:
    assert grants, "an identity without rights"
    return Identity(
        namespace=pulumi.Output.from_input(namespace),
        service_account=pulumi.Output.from_input(service_account),
        annotations={},
        namespace_labels={},
        credentials=AGENT,
    )


def _cloud(store: Mapping[str, Any]) -> CloudServices:
    buckets: Any = lambda name, spec: Store(**store)  # noqa: E731 its protocol has writable outputs
    return CloudServices(
        region="us-east-1",
        kubernetes_version="1.35",
        cluster_name=pulumi.Output.from_input("test"),
        shared_class=pulumi.Output.from_input("shared"),
        block_class=pulumi.Output.from_input("block"),
        identity=_identity,
        object_store=buckets,
    )


def served(
    spec: InClusterPostgres = SMALL,
    *,
    addon: Cnpg | None = None,
    store: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Database:
    """A server, with the operator that makes it. `store`: what is different in the cloud's buckets."""
    monitored = changes.get("monitored", True)
    crds = {**({MONITORS: None} if monitored else {}), CERTIFICATES: None}
    usual: dict[str, Any] = {"crds": crds, "cloud": _cloud(store or {}), "sections": (addon or Cnpg(enabled=True),)}
    here = site(**{**usual, **changes})
    return cnpg.install(here).database("mlflow", spec, client="mlflow")
