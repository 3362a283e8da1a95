"""The pods and Services of a LeaderWorkerSet, as functions of it (kubernetes-sigs/lws at v0.10.0)."""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmplatform_sandbox.kube.client import Object

DOMAIN: Final = "leaderworkerset.sigs.k8s.io"
NAME: Final = f"{DOMAIN}/name"
INDEX: Final = f"{DOMAIN}/worker-index"
REVISION: Final = f"{DOMAIN}/template-revision-hash"
EXCLUSIVE: Final = f"{DOMAIN}/exclusive-topology"
_KEY: Final = f"{DOMAIN}/group-key"
COMPLETE: Final = "sandbox.llmplatform.dev/workers"
"""Annotation of a leader whose workers were made: one that is missing later was lost."""


def revision(owner: Object) -> str:
    """What the pods are made of (revision_utils.go, getPatch): the templates, the size and the network."""
    spec = owner["spec"]
    text = json.dumps([spec["leaderWorkerTemplate"], spec.get("networkConfig")], sort_keys=True)
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:10]


def size(owner: Object) -> int:
    """Pods of a group (LeaderWorkerTemplate.Size, which is 1 by default)."""
    return owner["spec"]["leaderWorkerTemplate"].get("size", 1)


def own_service(owner: Object) -> bool:
    """Whether each group has a headless Service of its own (SubdomainUniquePerReplica)."""
    return (owner["spec"].get("networkConfig") or {}).get("subdomainPolicy") == "UniquePerReplica"


def service(owner: Object, of: Object) -> Object:
    """The headless Service of the set, or of a leader's group (CreateHeadlessServiceIfNotExists)."""
    name, selector = owner["metadata"]["name"], {NAME: owner["metadata"]["name"]}
    if of is not owner:
        selector[f"{DOMAIN}/group-index"] = of["metadata"]["labels"][f"{DOMAIN}/group-index"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": of["metadata"]["name"],
            "namespace": owner["metadata"]["namespace"],
            "labels": {NAME: name},
            "ownerReferences": [_owned(of)],
        },
        "spec": {"clusterIP": "None", "selector": selector, "publishNotReadyAddresses": True},
    }


def leader(owner: Object, index: int) -> Object:
    """The first pod of a group (constructLeaderStatefulSetApplyConfiguration, PodWebhook.Default)."""
    metadata, templates = owner["metadata"], owner["spec"]["leaderWorkerTemplate"]
    name = f"{metadata['name']}-{index}"
    labels = {
        NAME: metadata["name"],
        REVISION: revision(owner),
        INDEX: "0",
        f"{DOMAIN}/group-index": str(index),
        _KEY: hashlib.sha1(f"{metadata['namespace']}/{name}".encode(), usedforsecurity=False).hexdigest(),
    }
    unique = own_service(owner)
    annotations = {f"{DOMAIN}/subdomainPolicy": "UniquePerReplica"} if unique else {}
    pod = _pod(owner, templates.get("leaderTemplate") or templates["workerTemplate"], name, labels, annotations)
    pod["metadata"]["ownerReferences"] = [_owned(owner)]
    pod["spec"]["subdomain"] = name if unique else metadata["name"]
    exclusive = metadata.get("annotations", {}).get(EXCLUSIVE)
    if exclusive:
        _alone(pod["spec"], labels[_KEY], exclusive)
    return _told(pod)


def workers(owner: Object, first: Object, place: Mapping[str, str]) -> Iterator[Object]:
    """The further pods of a leader's group (constructWorkerStatefulSetApplyConfiguration).

    `place`: labels of their nodes, for a set with an exclusive topology (setNodeSelectorForWorkerPods).
    """
    metadata, templates = first["metadata"], owner["spec"]["leaderWorkerTemplate"]
    same = {key: metadata["labels"][key] for key in (NAME, REVISION, f"{DOMAIN}/group-index", _KEY)}
    for number in range(1, size(owner)):
        labels = {**same, INDEX: str(number)}
        annotations = {f"{DOMAIN}/leader-name": metadata["name"]}
        pod = _pod(owner, templates["workerTemplate"], f"{metadata['name']}-{number}", labels, annotations)
        pod["metadata"]["ownerReferences"] = [_owned(first)]
        pod["spec"]["subdomain"] = first["spec"]["subdomain"]
        if place:
            pod["spec"]["nodeSelector"] = dict(place)
        yield _told(pod)


def _pod(
    owner: Object, template: Mapping[str, Any], name: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> Object:
    metadata = owner["metadata"]
    exclusive = metadata.get("annotations", {}).get(EXCLUSIVE)
    common = {f"{DOMAIN}/size": str(size(owner)), **({EXCLUSIVE: exclusive} if exclusive else {}), **annotations}
    given: Mapping[str, Any] = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {**(given.get("labels") or {}), **labels},
            "annotations": {**(given.get("annotations") or {}), **common},
        },
        "spec": {**copy.deepcopy(template["spec"]), "hostname": name},
    }


def _told(pod: Object) -> Object:
    """The variables of a pod's place come first, so that others can name them (AddLWSVariables)."""
    metadata, spec = pod["metadata"], pod["spec"]
    group = f"{metadata['labels'][NAME]}-{metadata['labels'][f'{DOMAIN}/group-index']}"
    told = {
        "LWS_LEADER_ADDRESS": f"{group}.{spec['subdomain']}.{metadata['namespace']}",
        "LWS_GROUP_SIZE": metadata["annotations"][f"{DOMAIN}/size"],
        "LWS_WORKER_INDEX": metadata["labels"][INDEX],
    }
    first = [{"name": name, "value": value} for name, value in told.items()]
    for container in [*spec["containers"], *(spec.get("initContainers") or [])]:
        rest = [each for each in container.get("env") or [] if each["name"] not in told]
        container["env"] = [*first, *rest]
    return pod


def _alone(spec: dict[str, Any], key: str, topology: str) -> None:
    """A group has a place, and no other group has it (SetExclusiveAffinities)."""
    own = {"key": _KEY, "operator": "In", "values": [key]}
    others = [{"key": _KEY, "operator": "Exists"}, {"key": _KEY, "operator": "NotIn", "values": [key]}]
    affinity = spec.setdefault("affinity", {})
    for kind, expressions in (("podAffinity", [own]), ("podAntiAffinity", others)):
        term = {"labelSelector": {"matchExpressions": expressions}, "topologyKey": topology}
        affinity.setdefault(kind, {}).setdefault("requiredDuringSchedulingIgnoredDuringExecution", []).append(term)


def _owned(by: Object) -> dict[str, Any]:
    return {
        "apiVersion": by["apiVersion"],
        "kind": by["kind"],
        "name": by["metadata"]["name"],
        "uid": by["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
