"""Compares the state, the simulated account and the cluster, by identifier and both ways."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.releases import every, releases, status_of
from llmplatform_sandbox.lifecycle import Sandbox

_RELEASE = "kubernetes:helm.sh/v3:Release"
_MANAGER = "pulumi-kubernetes-"


_PLAYED = "kubernetes/"
"""Prefixes of makers in the cluster; the last word is a volume or a uid."""
_SETTLES = 20.0
"""Seconds within which the controllers free unused objects."""


def settled_differences(sandbox: Sandbox) -> list[str]:
    """`differences`, once the controllers have had their time."""
    deadline = time.monotonic() + _SETTLES
    while (found := differences(sandbox)) and time.monotonic() < deadline:
        time.sleep(1)
    return found


def differences(sandbox: Sandbox) -> list[str]:
    """A line for each object that only one side has, or has twice."""
    checkpoint = Checkpoint(sandbox.paths, sandbox.project.name, sandbox.stack)
    resources = [each for each in checkpoint.resources() if each.get("custom")]
    pending = checkpoint.deployment().get("pending_operations") or []
    found = [f"still pending: {each['type']} {each['resource']['urn']}" for each in pending]
    found += [f"twice in the state: {urn}" for urn, count in Counter(r["urn"] for r in resources).items() if count > 1]
    return found + _clouds(sandbox, resources) + _cluster(sandbox, resources)


def unfinished(sandbox: Sandbox) -> list[str]:
    """What a recovery must not leave: interrupted operations, and releases that are not deployed."""
    checkpoint = Checkpoint(sandbox.paths, sandbox.project.name, sandbox.stack)
    pending = checkpoint.deployment().get("pending_operations") or []
    found = [f"still pending: {each['type']} {each['resource']['urn']}" for each in pending]
    kube = Kube(sandbox.control_plane().access())
    try:
        newest = {obj["metadata"]["name"]: status_of(obj) for obj in every(kube)}
    finally:
        kube.close()
    return found + [f"release {name} is {status}" for name, status in newest.items() if status != "deployed"]


def _clouds(sandbox: Sandbox, resources: Iterable[Mapping[str, Any]]) -> list[str]:
    packages = ("aws:", "alicloud:")
    in_state = {(each["urn"], each["id"]) for each in resources if each["type"].startswith(packages)}
    made = [
        (item.made_by, item.id)
        for cloud in sandbox.clouds().values()
        for item in cloud.objects()
        if item.made_by.startswith("urn:")
    ]
    return [
        *(f"orphan in the cloud: {urn} {id_}" for urn, id_ in set(made) - in_state),
        *(f"not in the cloud: {urn} {id_}" for urn, id_ in in_state - set(made)),
        *(f"duplicate in the cloud: {urn}" for urn, count in Counter(urn for urn, _ in made).items() if count > 1),
    ]


def _played(sandbox: Sandbox, kube: Kube) -> list[str]:
    """Disks and load balancers against volumes and Services, machines against their groups."""
    items = [item for cloud in sandbox.clouds().values() for item in cloud.objects()]
    asked = Counter((item.type, item.made_by) for item in items if item.made_by.startswith(_PLAYED))
    wanted = {volume["metadata"]["name"] for volume in kube.list("v1", "PersistentVolume")}
    wanted |= {f"pvc-{claim['metadata']['uid']}" for claim in kube.list("v1", "PersistentVolumeClaim")}
    wanted |= {service["metadata"]["uid"] for service in kube.list("v1", "Service")}
    there = {item.id for item in items}
    others = [(item.type, item.made_by) for item in items if not item.made_by.startswith((_PLAYED, "urn:"))]
    return [
        *(f"duplicate in the cloud: {typ}, made by {maker}" for (typ, maker), count in asked.items() if count > 1),
        *(f"orphan in the cloud: {typ}, made by {maker}" for typ, maker in asked if maker.split()[-1] not in wanted),
        *(f"orphan in the cloud: {typ}, made by {maker}" for typ, maker in others if maker.split()[-1] not in there),
    ]


def _cluster(sandbox: Sandbox, resources: Iterable[Mapping[str, Any]]) -> list[str]:
    ours = [each for each in resources if each["type"].startswith("kubernetes:")]
    objects = {
        (each["outputs"]["apiVersion"], each["outputs"]["kind"], each["id"])
        for each in ours
        if each["type"] != _RELEASE and not each["type"].endswith("Patch")
    }
    if not sandbox.control_plane().running():
        return ["the control plane does not run"]
    kube = Kube(sandbox.control_plane().access())
    try:
        live = set(_managed(kube))
        installed = {f"{each.namespace}/{each.name}" for each in releases(kube)}
        played = _played(sandbox, kube)
    finally:
        kube.close()
    wanted = {each["id"] for each in ours if each["type"] == _RELEASE}
    return [
        *played,
        *(f"orphan in the cluster: {' '.join(key)}" for key in live - objects),
        *(f"not in the cluster: {' '.join(key)}" for key in objects - live),
        *(f"orphan release: {name}" for name in installed - wanted),
        *(f"release not in the cluster: {name}" for name in wanted - installed),
    ]


def _managed(kube: Kube) -> Iterable[tuple[str, str, str]]:
    """(apiVersion, kind, id) of every object that a resource of a program made."""
    for path in _group_versions(kube):
        try:
            served = kube.request("GET", path)
        except KubeError:
            continue
        for kind in served["resources"]:
            if "/" in kind["name"] or "list" not in kind["verbs"]:
                continue
            version = served["groupVersion"]
            for item in kube.list(version, kind["kind"]):
                metadata = item["metadata"]
                created = [f for f in metadata.get("managedFields", ()) if f.get("manager", "").startswith(_MANAGER)]
                # The same object may be served in several versions; the one that it was written in counts.
                if created and created[0]["apiVersion"] == version:
                    namespace = metadata.get("namespace")
                    yield version, kind["kind"], f"{namespace}/{metadata['name']}" if namespace else metadata["name"]


def _group_versions(kube: Kube) -> list[str]:
    groups = kube.request("GET", "/apis")["groups"]
    return ["/api/v1", *(f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"])]
