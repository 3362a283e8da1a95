"""A cluster's objects in memory, behind the calls of `kube.client.Kube` that loops use."""

import copy
from collections.abc import Mapping
from typing import Any

from llmplatform_sandbox.interfaces import Release

Object = dict[str, Any]


class _Kind:
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        return f"{self._kind}/{namespace}/{name}"


class FakeKube:
    """Objects by (kind, namespace, name)."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.releases: list[Release] = []

    def add(self, kind: str, name: str, namespace: str = "", **rest: Any) -> Object:
        metadata = {"name": name, "namespace": namespace, **rest.pop("metadata", {})}
        obj = {"kind": kind, "apiVersion": "v1", "metadata": metadata, **rest}
        self.objects[(kind, namespace, name)] = obj
        return obj

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, cached: bool = False, **query: str
    ) -> list[Object]:
        found = [copy.deepcopy(obj) for (one, _, _), obj in self.objects.items() if one == kind]
        node = query.get("fieldSelector", "").removeprefix("spec.nodeName=")
        return [obj for obj in found if not node or obj["spec"].get("nodeName") == node]

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        return self.objects.get((kind, namespace or "", name))

    def create(self, obj: Mapping[str, Any]) -> Object:
        made = copy.deepcopy(dict(obj))
        self.objects[(made["kind"], made["metadata"].get("namespace", ""), made["metadata"]["name"])] = made
        return made

    def patch(
        self,
        obj: Mapping[str, Any],
        change: Mapping[str, Any],
        *,
        subresource: str | None = None,
        strategic: bool = False,
    ) -> Object:
        live = self.objects[(obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])]
        if strategic and "conditions" in change.get("status", {}):
            # A strategic merge goes by type there.
            said = {one["type"]: one for one in live["status"]["conditions"]}
            said |= {one["type"]: one for one in change["status"]["conditions"]}
            change = {"status": {**change["status"], "conditions": list(said.values())}}
        _merge(live, change)
        return live

    def delete(self, obj: Mapping[str, Any], *, propagation: str = "Background") -> bool:
        return (
            self.objects.pop((obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]), None)
            is not None
        )

    def kind(self, api_version: str, kind: str) -> _Kind:
        return _Kind(kind)

    def request(self, method: str, path: str, **rest: Any) -> Any:
        assert method == "DELETE"
        kind, namespace, name = path.split("/")
        self.objects.pop((kind, namespace, name))


def _merge(live: Object, change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            live.pop(key, None)
        elif isinstance(value, Mapping):
            _merge(live.setdefault(key, {}), value)
        else:
            live[key] = copy.deepcopy(value)
