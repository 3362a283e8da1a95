"""Plays the service controllers: an address for a Service, a load balancer in the account, freed with the Service.

A finalizer holds the Service until its load balancer is gone, as the real controllers do:
https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#garbage-collecting-load-balancers
"""

from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform_sandbox.interfaces import Cloud
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import next_round_sees

Rule = Mapping[str, Any]


def play_load_balancers(kube: Kube, clouds: Mapping[str, Cloud], rules: Sequence[Rule]) -> None:
    """One round of every service controller that is there."""
    for service in kube.list("v1", "Service", cached=True):
        owned = next((r for r in rules if r["finalizer"] in service["metadata"].get("finalizers", [])), None)
        rule = owned or next((r for r in rules if _fits(r, service)), None)
        if rule is None or rule["cloud"] not in clouds:
            continue
        with next_round_sees():
            if service["metadata"].get("deletionTimestamp") or service["spec"].get("type") != "LoadBalancer":
                if owned:
                    _free(kube, clouds[rule["cloud"]], rule, service)
            elif not _addressed(service):
                _serve(kube, clouds[rule["cloud"]], rule, service)


def subnets_for(cloud: Cloud, rule: Rule, service: Object) -> list[str]:
    """One subnet per zone that carries the tag of the Service's scheme, in the order of their ids."""
    scheme = rule["scheme"]
    asked = service["metadata"].get("annotations", {}).get(scheme["annotation"])
    wanted = scheme.get("values", {}).get(asked, asked if asked in rule["tags"] else scheme["default"])
    tag = rule["tags"][wanted]
    by_zone: dict[str, str] = {}
    for obj in sorted(cloud.objects(), key=lambda obj: obj.id):
        if obj.type == rule["subnets"] and (obj.detail.get("tags") or {}).get(tag) in ("1", ""):
            by_zone.setdefault(obj.detail.get("availabilityZone") or "", obj.id)
    return list(by_zone.values())


def _fits(rule: Rule, service: Object) -> bool:
    spec = service["spec"]
    if spec.get("type") != "LoadBalancer" or spec.get("loadBalancerClass", "") not in rule["classes"]:
        return False
    annotations = service["metadata"].get("annotations", {})
    return not any(annotations.get(key) in values for key, values in rule.get("not_annotated", {}).items())


def _addressed(service: Object) -> bool:
    return bool(service.get("status", {}).get("loadBalancer", {}).get("ingress"))


def _made_by(service: Object) -> str:
    metadata = service["metadata"]
    return f"kubernetes/service-controller {metadata['namespace']}/{metadata['name']} {metadata['uid']}"


def _serve(kube: Kube, cloud: Cloud, rule: Rule, service: Object) -> None:
    finalizers = service["metadata"].get("finalizers", [])
    if rule["finalizer"] not in finalizers:
        metadata = {
            "finalizers": [*finalizers, rule["finalizer"]],
            "resourceVersion": service["metadata"]["resourceVersion"],
        }
        kube.patch(service, {"metadata": metadata})
    ours = [obj for obj in cloud.objects() if obj.made_by == _made_by(service) and obj.type == rule["object"]]
    if not ours:
        subnets = subnets_for(cloud, rule, service)
        if not subnets:
            return
        id_ = cloud.add_object(rule["object"], _made_by(service), {"subnetIds": subnets})
        ours = [obj for obj in cloud.objects() if obj.id == id_]
    host = ours[0].detail.get("dnsName") or f"{ours[0].id}.elb.sandbox.invalid"
    kube.patch(service, {"status": {"loadBalancer": {"ingress": [{"hostname": host}]}}}, subresource="status")


def _free(kube: Kube, cloud: Cloud, rule: Rule, service: Object) -> None:
    for obj in cloud.objects():
        if obj.made_by == _made_by(service) and obj.type == rule["object"]:
            cloud.remove_object(obj.id)
    rest = [finalizer for finalizer in service["metadata"]["finalizers"] if finalizer != rule["finalizer"]]
    if _addressed(service) and not service["metadata"].get("deletionTimestamp"):
        kube.patch(service, {"status": {"loadBalancer": {"ingress": None}}}, subresource="status")
        rest_version: dict[str, Any] = {}
    else:
        rest_version = {"resourceVersion": service["metadata"]["resourceVersion"]}
    kube.patch(service, {"metadata": {"finalizers": rest, **rest_version}})
