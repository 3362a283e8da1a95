"""What a kubelet needs before it can start a pod, and how it complains when something is missing.

Source: the kubelet's own messages (pkg/kubelet/kuberuntime, volume plugins) and the pod API reference of Kubernetes
1.35. Not looked at: images, and anything on the node itself (host paths, devices).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
Find = Callable[[str, str], Object | None]
"""(kind, name) → an object of the pod's namespace, or None."""


@dataclass(frozen=True)
class Missing:
    """Why a pod cannot start."""

    reason: str
    """The container's waiting reason, as kubectl shows it."""
    message: str
    container: str | None = None
    """The container it concerns; None for the pod as a whole."""


def missing(pod: Object, find: Find) -> list[Missing]:
    """Everything that keeps the pod from starting, in the order a kubelet meets it."""
    gates = (_account, _volumes, _pull_secrets, _environment)
    return [fault for gate in gates for fault in gate(pod, find)]


def _account(pod: Object, find: Find) -> Iterator[Missing]:
    name = pod["spec"].get("serviceAccountName") or "default"
    if find("ServiceAccount", name) is None:
        yield Missing("ContainerCreating", f'serviceaccount "{name}" not found')


def _pull_secrets(pod: Object, find: Find) -> Iterator[Missing]:
    for reference in pod["spec"].get("imagePullSecrets") or []:
        if find("Secret", reference["name"]) is None:
            yield Missing("ImagePullBackOff", f'image pull secret "{reference["name"]}" not found')


def _environment(pod: Object, find: Find) -> Iterator[Missing]:
    for container in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]:
        for entry in container.get("env") or []:
            source = entry.get("valueFrom") or {}
            for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if field in source:
                    yield from _key(pod, find, kind, source[field], container["name"])
        for entry in container.get("envFrom") or []:
            for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                if field in entry:
                    yield from _key(pod, find, kind, entry[field], container["name"])


def _key(pod: Object, find: Find, kind: str, reference: Object, container: str) -> Iterator[Missing]:
    """A Secret or ConfigMap, and a key in it where the reference has one."""
    if reference.get("optional"):
        return
    name, key = reference["name"], reference.get("key")
    found = find(kind, name)
    if found is None:
        yield Missing("CreateContainerConfigError", f'{kind.lower()} "{name}" not found', container)
    elif key and key not in _keys(found):
        namespace = pod["metadata"]["namespace"]
        yield Missing("CreateContainerConfigError", f"couldn't find key {key} in {kind} {namespace}/{name}", container)


def _volumes(pod: Object, find: Find) -> Iterator[Missing]:
    for volume in pod["spec"].get("volumes") or []:
        name = volume["name"]
        if "secret" in volume:
            yield from _mounted(find, name, "Secret", volume["secret"]["secretName"], volume["secret"])
        elif "configMap" in volume:
            yield from _mounted(find, name, "ConfigMap", volume["configMap"]["name"], volume["configMap"])
        elif "projected" in volume:
            for source in volume["projected"].get("sources") or []:
                for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
                    if field in source:
                        yield from _mounted(find, name, kind, source[field]["name"], source[field])
        elif "persistentVolumeClaim" in volume:
            yield from _claimed(find, name, volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            yield from _claimed(find, name, f"{pod['metadata']['name']}-{name}")
        elif "nodePublishSecretRef" in volume.get("csi", {}):
            yield from _mounted(find, name, "Secret", volume["csi"]["nodePublishSecretRef"]["name"], {})


def _mounted(find: Find, volume: str, kind: str, name: str, source: Object) -> Iterator[Missing]:
    if source.get("optional"):
        return
    found = find(kind, name)
    prefix = f'MountVolume.SetUp failed for volume "{volume}"'
    if found is None:
        yield Missing("ContainerCreating", f'{prefix}: {kind.lower()} "{name}" not found')
        return
    for item in source.get("items") or []:
        if item["key"] not in _keys(found):
            yield Missing("ContainerCreating", f"{prefix}: {kind.lower()} {name} has no key {item['key']}")


def _claimed(find: Find, volume: str, name: str) -> Iterator[Missing]:
    found = find("PersistentVolumeClaim", name)
    if found is None:
        yield Missing("ContainerCreating", f'volume "{volume}": persistentvolumeclaim "{name}" not found')
    elif found.get("status", {}).get("phase") != "Bound":
        yield Missing("ContainerCreating", f'volume "{volume}": persistentvolumeclaim "{name}" is not bound')


def _keys(obj: Object) -> set[str]:
    return {*(obj.get("data") or {}), *(obj.get("binaryData") or {})}
