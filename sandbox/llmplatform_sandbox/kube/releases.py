"""Helm releases in Helm's own storage: a Secret for each revision, which `helm list` and other readers understand.

Format: https://helm.sh/docs/topics/advanced/#storage-backends and helm pkg/storage/driver (JSON, gzip, base64, and the
Secret's own base64). Values may be secret: they are only in that Secret, and nothing here logs them.
"""

import base64
import gzip
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.client import Kube, Object

_TYPE = "helm.sh/release.v1"
DEPLOYED = "deployed"
"""Status of the revision that is in the cluster (helm pkg/release/status.go, StatusDeployed)."""


def releases(kube: Kube) -> list[Release]:
    """The deployed releases of all namespaces."""
    return _selected(kube, f"status={DEPLOYED}")


def installed(kube: Kube) -> list[Release]:
    """The releases whose objects are there, or about to be: also those that Helm works on, or failed to change."""
    return _selected(kube, "status!=superseded,status!=uninstalled,status!=uninstalling")


def _selected(kube: Kube, statuses: str) -> list[Release]:
    found: list[Release] = []
    for obj in kube.list("v1", "Secret", cached=True, labelSelector=f"owner=helm,{statuses}"):
        if obj.get("type") == _TYPE:
            record = _decode(obj["data"]["release"])
            meta = record["chart"]["metadata"]
            found.append(
                Release(
                    name=record["name"],
                    namespace=record["namespace"],
                    chart=meta["name"],
                    version=meta["version"],
                    values=record.get("config") or {},
                )
            )
    return found


def revisions(kube: Kube, namespace: str, name: str) -> list[Object]:
    """The storage Secrets of a release, oldest first."""
    found = kube.list("v1", "Secret", namespace, labelSelector=f"owner=helm,name={name}")
    return sorted(found, key=number_of)


def record_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The release inside a storage Secret."""
    return _decode(obj["data"]["release"])


def status_of(obj: Mapping[str, Any]) -> str:
    """`deployed`, `pending-upgrade` …: helm pkg/release/status.go."""
    return str(record_of(obj)["info"]["status"])


def number_of(obj: Mapping[str, Any]) -> int:
    """The revision's number."""
    return int(obj["metadata"]["labels"]["version"])


def write_revision(kube: Kube, record: Mapping[str, Any], owner: str) -> None:
    """Store a revision. `owner`: URN of its resource, for recovery."""
    kube.apply(_secret(record, owner), manager="helm")


def new_record(release: Release, *, revision: int, app_version: str, status: str, manifest: str = "") -> dict[str, Any]:
    """A revision as Helm writes it before it acts."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    version = {"name": release.chart, "version": release.version, "appVersion": app_version, "apiVersion": "v2"}
    return {
        "name": release.name,
        "info": {"first_deployed": now, "last_deployed": now, "deleted": "", "description": "", "status": status},
        "chart": {"metadata": version, "lock": None, "templates": [], "values": {}, "schema": None, "files": []},
        "config": dict(release.values),
        "manifest": manifest,
        "version": revision,
        "namespace": release.namespace,
    }


def set_status(kube: Kube, obj: Mapping[str, Any], status: str, **rest: Any) -> None:
    """Store a revision again with another status."""
    record = dict(record_of(obj))
    record["info"] = {**record["info"], "status": status}
    write_revision(kube, {**record, **rest}, owner_of(obj))


def owner_of(obj: Mapping[str, Any]) -> str:
    """URN of a storage Secret's resource; empty for one that Helm itself wrote."""
    return obj["metadata"].get("annotations", {}).get("sandbox.llmplatform.dev/owner", "")


def every(kube: Kube) -> list[Object]:
    """The newest revision of each release of all namespaces."""
    newest: dict[tuple[str, str], Object] = {}
    for obj in kube.list("v1", "Secret", labelSelector="owner=helm"):
        labels = obj["metadata"]["labels"]
        key = (obj["metadata"]["namespace"], labels["name"])
        if key not in newest or number_of(newest[key]) < number_of(obj):
            newest[key] = obj
    return list(newest.values())


def _secret(record: Mapping[str, Any], owner: str) -> Object:
    packed = base64.b64encode(gzip.compress(json.dumps(record).encode(), mtime=0))
    name, version, status = record["name"], record["version"], record["info"]["status"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"sh.helm.release.v1.{name}.v{version}",
            "namespace": record["namespace"],
            "labels": {
                "owner": "helm",
                "name": name,
                "version": str(version),
                "status": status,
                "modifiedAt": str(int(time.time())),
            },
            "annotations": {"sandbox.llmplatform.dev/owner": owner},
        },
        "type": _TYPE,
        "data": {"release": base64.b64encode(packed).decode()},
    }


@lru_cache(maxsize=256)
def _decode(data: str) -> Mapping[str, Any]:
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data))))
