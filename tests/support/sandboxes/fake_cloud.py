"""A cloud in memory, with the calls that the loops and the explanations use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmplatform_sandbox.interfaces import CloudObject, Instance, ManagedAutoscaler, NodeGroup, NodeTemplate


class FakeCloud:
    name = "aws"

    def __init__(self, *addons: str) -> None:
        self.addons = list(addons)
        self.held: dict[str, CloudObject] = {}
        self.groups: list[NodeGroup] = []
        self.templates: dict[str, NodeTemplate] = {}
        self.machines: list[Instance] = []
        self.short: dict[str, str] = {}
        self.managed: ManagedAutoscaler | None = None
        self.struck: list[tuple[str, str]] = []
        for zone in "ab":
            tags = {"kubernetes.io/role/elb": "1"}
            self.put("aws:ec2/subnet:Subnet", f"subnet-{zone}", availabilityZone=f"eu-west-1{zone}", tags=tags)
        self.put(
            "aws:ec2/subnet:Subnet", "subnet-spare", availabilityZone="eu-west-1a", tags={"kubernetes.io/role/elb": "1"}
        )
        internal = {"kubernetes.io/role/internal-elb": "1"}
        self.put("aws:ec2/subnet:Subnet", "subnet-private", availabilityZone="eu-west-1a", tags=internal)

    def put(self, type_: str, id_: str, **detail: Any) -> None:
        self.held[id_] = CloudObject(type=type_, id=id_, made_by="urn", detail=detail)

    def made(self, type_: str) -> list[CloudObject]:
        return [obj for obj in self.held.values() if obj.type == type_]

    def objects(self) -> Sequence[CloudObject]:
        return list(self.held.values())

    def add_object(self, type_: str, made_by: str, detail: Mapping[str, Any]) -> str:
        id_ = f"{type_}-{len(self.held)}"
        self.put(type_, id_, **detail, dnsName=f"{id_}.elb.example.org")
        self.held[id_] = replace(self.held[id_], made_by=made_by)
        return id_

    def remove_object(self, id_: str) -> None:
        del self.held[id_]

    def installed(self) -> Sequence[str]:
        return self.addons

    def node_groups(self) -> Sequence[NodeGroup]:
        return self.groups

    def template(self, group: str) -> NodeTemplate | None:
        return self.templates.get(group)

    def instances(self) -> Sequence[Instance]:
        return self.machines

    def autoscaler(self) -> ManagedAutoscaler | None:
        return self.managed

    def shortages(self) -> Mapping[str, str]:
        return self.short

    def faults(self) -> Sequence[tuple[str, str]]:
        return self.struck
