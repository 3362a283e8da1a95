"""Manifests, and their way through the kubernetes provider."""

from typing import Any

from llmplatform_sandbox.providers.base import Autonaming, Values
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"
CLASS_A, CLASS_B = ({"storageClassName": name} for name in "ab")
POD_SPEC = {"containers": [{"name": "c", "image": "i:1"}]}


def manifest(api_version: str, kind: str, name: str | None = "x", **rest: Any) -> Values:
    metadata = {**({"name": name} if name else {}), **rest.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def config_map(name: str | None = "x", **rest: Any) -> Values:
    return manifest("v1", "ConfigMap", name, **{"data": {"a": "b"}, **rest})


def deployment(**spec: Any) -> Values:
    return manifest("apps/v1", "Deployment", metadata={"namespace": "apps"}, spec={"replicas": 1, **spec})


def urn(name: str = "x") -> str:
    return f"urn:pulumi:dev::proj::kubernetes:core/v1:ConfigMap::{name}"


def naming(proposed: str | None = None, **rest: Any) -> Autonaming:
    return Autonaming(name="res", urn=urn(), proposed=proposed, **rest)


def create(
    provider: KubernetesProvider,
    typ: str,
    inputs: Values,
    *,
    preview: bool = False,
    name: str = "x",
    timeout: float = 0,
) -> tuple[str, Values]:
    checked, failures = provider.check(typ, {}, inputs, naming())
    assert not failures, failures
    return provider.create(typ, urn(name), checked, preview, timeout)
