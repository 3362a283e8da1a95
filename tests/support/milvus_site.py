"""Milvus on a site of tests, with and without users."""

from typing import Any

import pulumi

from llmplatform.services import Milvus, MilvusArgs
from llmplatform.specs.services import Milvus as Spec
from llmplatform.testing import RecordingEngine
from support.sites import Identity, with_site
from support.stores import Store

MILVUS, POLICY = "kubernetes:milvus.io/v1beta1:Milvus", "kubernetes:networking.k8s.io/v1:NetworkPolicy"
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
}
USERS = Spec.model_validate({"enabled": True, "mode": "cluster", "vectors": 8_000_000, **ACCESS})


def installed(**changes: Any) -> Milvus:
    here, changes = with_site({"issuer": pulumi.Output.from_input("platform"), **changes})
    identity = Identity(
        namespace=pulumi.Output.from_input("milvus"),
        service_account=pulumi.Output.from_input("milvus"),
        annotations={"pod-identity.alibabacloud.com/role-name": pulumi.Output.from_input("test-milvus")},
        namespace_labels={"pod-identity.alibabacloud.com/injection": "on"},
        credentials=AGENT,
    )
    wiring: dict[str, Any] = {"store": Store(**changes.pop("store", {})), "identity": identity}
    return Milvus("milvus", MilvusArgs(site=here, **{"spec": Spec(enabled=True), **wiring, **changes}))


def made(**changes: Any) -> RecordingEngine:
    return RecordingEngine().run(lambda: installed(**changes))


def resource(**changes: Any) -> dict[str, Any]:
    return made(**changes).one(MILVUS).inputs["spec"]


def policies(**changes: Any) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(**changes).all(POLICY)}
