"""Milvus on a site of tests, with and without users."""

from typing import Any

import pulumi

from llmplatform.base.foundation import CloudServices
from llmplatform.base.site import Site
from llmplatform.services import Milvus, MilvusArgs
from llmplatform.services.milvus.backups import BackupArgs
from llmplatform.specs.capability import Capability
from llmplatform.specs.services import Milvus as Spec
from llmplatform.testing import RecordingEngine
from support.sites import Identity, site, with_site
from support.stores import Store

MILVUS, POLICY = "kubernetes:milvus.io/v1beta1:Milvus", "kubernetes:networking.k8s.io/v1:NetworkPolicy"
Pod = list[dict[str, Any]]
"""Containers of a pod."""
AGENT = ("169.254.170.23/32", 80)
CLUSTER = Spec(enabled=True, mode="cluster", vectors=8_000_000)
ACCESS = {
    "databases": ["search"],
    "clients": ["search"],
    "roles": {"reader": {"grants": [{"database": "search", "privileges": ["CollectionReadOnly"]}]}},
    "users": {
        "search": {"roles": ["reader"], "namespace": "search"},
        "front_end": {"roles": ["reader"], "password_version": 2},
    },
    "root_password_version": 2,
    "backups": {"drill": {"enabled": True}},
}
USERS = Spec.model_validate({"enabled": True, "mode": "cluster", "vectors": 8_000_000, **ACCESS})


def identity(name: str) -> Identity:
    return Identity(
        namespace=pulumi.Output.from_input("milvus"),
        service_account=pulumi.Output.from_input(name),
        annotations={"pod-identity.alibabacloud.com/role-name": pulumi.Output.from_input(f"test-{name}")},
        namespace_labels={"pod-identity.alibabacloud.com/injection": "on"},
        credentials=AGENT,
    )


def backed_up(**store: Any) -> BackupArgs:
    return BackupArgs(
        data=Store(**store),
        store=Store(bucket=pulumi.Output.from_input("backups-1b2c"), **store),
        backup=identity("milvus-backup"),
        restore=identity("milvus-restore"),
    )


def in_a_cloud(spec: Capability, identify: Any = None, stores: Any = None) -> Site:
    """A site whose cloud gives buckets and identities."""
    known = pulumi.Output.from_input("known")
    cloud = CloudServices(
        region="us-east-1",
        kubernetes_version="1.35",
        cluster_name=known,
        shared_class=known,
        identity=identify or (lambda name, **_: identity(name)),
        object_store=stores or (lambda *_: Store()),
    )
    return site(cloud=cloud, sections=(spec,), issuer=known)


def installed(**changes: Any) -> Milvus:
    here, changes = with_site({"issuer": pulumi.Output.from_input("platform"), **changes})
    store = changes.pop("store", {})
    wiring: dict[str, Any] = {"store": Store(**store), "identity": identity("milvus"), "backups": backed_up(**store)}
    return Milvus("milvus", MilvusArgs(site=here, **{"spec": Spec(enabled=True), **wiring, **changes}))


def made(**changes: Any) -> RecordingEngine:
    return RecordingEngine().run(lambda: installed(**changes))


def resource(**changes: Any) -> dict[str, Any]:
    return made(**changes).one(MILVUS).inputs["spec"]


def policies(**changes: Any) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(**changes).all(POLICY)}


def containers() -> dict[str, Pod]:
    """Name of a CronJob to its containers, in their order."""
    found = made(spec=USERS).all("kubernetes:batch/v1:CronJob")
    specs = {each.inputs["metadata"]["name"]: each.inputs["spec"]["jobTemplate"]["spec"] for each in found}
    return {
        name: [*spec["template"]["spec"].get("initContainers", ()), *spec["template"]["spec"]["containers"]]
        for name, spec in specs.items()
    }
