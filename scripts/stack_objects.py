"""Writes every object of the stacks in forms that scanners read: Kubernetes manifests, and cloud objects as Terraform.

The committed program runs over a stack file on the tests' recording engine. Pulumi's AWS and Alibaba providers are
bridged from Terraform's, so a type token and camelCase properties become resource types and arguments by rule; the
tables below hold where the rule does not. An identifier that the engine answered becomes a reference again, because
scanners follow references ("is this VPC logged?"). What charts render is not here: it is the charts' own.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from support.program import STACKS, run_program, stack_config

from llmplatform.testing import Registered
from llmplatform.testing.answers import CLOUD

CLOUDS = ("aws:", "alicloud:")
TYPES: Mapping[str, str] = {
    "aws:autoscaling/tag:Tag": "aws_autoscaling_group_tag",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
    "alicloud:vpc/flowLog:FlowLog": "alicloud_vpc_flow_log",
    "alicloud:vpc/network:Network": "alicloud_vpc",
    "alicloud:vpc/switch:Switch": "alicloud_vswitch",
}
UNPREFIXED = {"aws": {"ec2"}, "alicloud": {"ecs", "vpc"}}
"""Modules whose name Terraform's types do not carry."""
BLOCKS: Mapping[tuple[str, str], str] = {
    ("aws:efs/fileSystem:FileSystem", "lifecyclePolicies"): "lifecycle_policy",
    ("aws:eks/addon:Addon", "podIdentityAssociations"): "pod_identity_association",
    ("aws:eks/nodeGroup:NodeGroup", "taints"): "taint",
    ("alicloud:cs/nodePool:NodePool", "spotPriceLimits"): "spot_price_limit",
    ("alicloud:log/storeIndex:StoreIndex", "fieldSearches"): "field_search",
}
"""Repeated blocks that Pulumi names in the plural and Terraform does not."""
MAPS = {"tags", "labels", "priorities"}
"""Properties that are maps from words to words, not blocks."""


def manifests(registered: Sequence[Registered]) -> list[dict[str, Any]]:
    """The Kubernetes objects among registrations, as the API server would get them."""
    return [each.inputs for each in registered if each.type.startswith("kubernetes:") and "kind" in each.inputs]


def terraform(registered: Sequence[Registered]) -> str:
    """The cloud objects among registrations as Terraform's language spells them."""
    ours = [each for each in registered if each.type.startswith(CLOUDS)]
    references = _references(ours)
    return "\n".join(
        f'resource "{terraform_type(each.type)}" "{_label(each)}" {{\n{_body(each.type, each.inputs, references)}}}\n'
        for each in ours
    )


def terraform_type(token: str) -> str:
    """Terraform's name of a bridged type: `aws:eks/nodeGroup:NodeGroup` is `aws_eks_node_group`."""
    if token in TYPES:
        return TYPES[token]
    cloud, place, noun = token.split(":")
    module = place.split("/")[0]
    words = [cloud, *([] if module in UNPREFIXED[cloud] else [module]), snake(noun)]
    return "_".join(words)


def snake(name: str) -> str:
    """A camelCase name as Terraform writes it: `maxUnavailable` is `max_unavailable`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _references(ours: Sequence[Registered]) -> dict[str, str]:
    """What the recording engine answered, to the expression that stands for it."""
    answers = [
        (answer, f"{terraform_type(each.type)}.{_label(each)}.{attribute}")
        for each in ours
        for attribute, answer in _answered(each)
    ]
    times = Counter(answer for answer, _ in answers)
    # An answer that two objects share says nothing about which of them is meant.
    return {answer: expression for answer, expression in answers if times[answer] == 1}


def _answered(each: Registered) -> Iterator[tuple[str, str]]:
    computed = CLOUD.get(each.type, {})
    yield "id", f"{each.name}-id"
    for key, value in (computed(each) if callable(computed) else computed).items():
        if isinstance(value, str):
            yield snake(key), value


def _label(each: Registered) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", each.name)


def _body(token: str, inputs: Mapping[str, Any], references: Mapping[str, str], indent: str = "  ") -> str:
    return "".join(_entry(token, key, value, references, indent) for key, value in inputs.items())


def _entry(token: str, key: str, value: Any, references: Mapping[str, str], indent: str) -> str:
    name = BLOCKS.get((token, key)) or snake(key)
    blocks = value if isinstance(value, list) else [value]
    if blocks and all(isinstance(each, dict) for each in blocks) and not (key in MAPS and isinstance(value, dict)):
        return "".join(
            f"{indent}{name} {{\n{_body(token, each, references, indent + '  ')}{indent}}}\n" for each in blocks
        )
    return f"{indent}{name} = {_expression(value, references)}\n"


def _expression(value: Any, references: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(key)} = {_expression(each, references)}" for key, each in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_expression(each, references) for each in value) + "]"
    if isinstance(value, str) and value in references:
        return references[value]
    return json.dumps(value).replace("${", "$${")


def main(folder: Path) -> None:
    """Write every committed stack into a folder of its own."""
    for stack in STACKS:
        registered = run_program(stack_config(stack), stack).registered
        (folder / stack).mkdir(parents=True, exist_ok=True)
        (folder / stack / "kubernetes.yaml").write_text(yaml.safe_dump_all(manifests(registered), sort_keys=False))
        (folder / stack / "cloud.tf").write_text(terraform(registered))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
