"""Providers that apply on paper: they make a state as an update does, without a cluster.

An applied revision is not checked again: today's facts do not refuse last year's revision. Of an API server's values,
only indispensable ones are made up; they are never compared, because the engine compares the inputs of a program.
"""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.providers import manifests
from llmplatform_sandbox.providers.base import Autonaming, Failure, Values, unwrap_secrets
from llmplatform_sandbox.providers.cloud import CloudProvider
from llmplatform_sandbox.providers.helm import RELEASE, recorded
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider


class PaperCloud(CloudProvider):
    """A cloud whose account accepts every input."""

    @override
    def check_config(self, args: Values) -> list[Failure]:
        return []

    @override
    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        return super().check(typ, olds, news, autonaming)[0], []


class PaperKubernetes(KubernetesProvider):
    """A cluster without a server: every object equals its inputs."""

    def __init__(self) -> None:
        super().__init__(None)

    @override
    def check_config(self, args: Values) -> list[Failure]:
        return []

    @override
    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        return super().check(typ, olds, news, autonaming)[0], []

    @override
    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        if preview:
            return super().create(typ, urn, inputs, preview, timeout)
        if typ == RELEASE:
            clear = unwrap_secrets(inputs)
            return f"{clear['namespace']}/{clear['name']}", recorded(inputs)
        live = _live(urn, manifests.body_of(inputs))
        return manifests.id_of(live), manifests.outputs_of(live, inputs, manifests.manager_for(urn, inputs, {}))


def _live(urn: str, body: Mapping[str, Any]) -> Values:
    decided = {
        "uid": str(uuid.UUID(bytes=hashlib.sha256(urn.encode()).digest()[:16])),
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": "2000-01-01T00:00:00Z",
    }
    live = {**body, "metadata": {**decided, **body["metadata"]}}
    if body["kind"] == "Service":
        live["spec"] = {"clusterIP": "192.0.2.1", "clusterIPs": ["192.0.2.1"], **(body.get("spec") or {})}
    return live
