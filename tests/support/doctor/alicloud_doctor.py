"""Checks of an Alibaba Cloud account against answers that have the members of the SDK's own classes."""

from typing import Any

from llmplatform.checks import parse
from llmplatform.checks.files import read
from llmplatform.doctor import known
from llmplatform.doctor.checks import Result
from llmplatform.doctor.wanted import Wanted
from support.doctor import recorded
from support.doctor.doctor_proofs import Proofs
from support.stack_settings import ROOT

CHECKS = {check.name: check for check in known.ALICLOUD}


def wanted(stack: str = "prod-ack", **sections: Any) -> Wanted:
    """A committed stack with other sections."""
    raw = {**read(ROOT / f"Pulumi.{stack}.yaml"), **sections}
    return Wanted(stack, parse(raw), ROOT)


ALICLOUD = Proofs(recorded.alicloud, wanted)


def ran(name: str, of: Wanted | None = None, **answers: Any) -> Result:
    """A check's result with those answers."""
    return ALICLOUD.ran(CHECKS[name], of, **answers)


def with_key(key: Any) -> Wanted:
    """The stack with another key of Kubernetes' Secrets."""
    return wanted(cluster={**read(ROOT / "Pulumi.prod-ack.yaml")["cluster"], "secrets_key": key})


def attributes(**values: str) -> dict[str, Any]:
    """What DescribeAccountAttributes says."""
    items = [
        {"AttributeName": name.replace("_", "-"), "AttributeValues": {"ValueItem": [{"Value": value}]}}
        for name, value in values.items()
    ]
    return {"AccountAttributeItems": {"AccountAttributeItem": items}}


PLENTY = attributes(
    max_postpaid_instance_vcpu_count="1000",
    used_postpaid_instance_vcpu_count="0",
    max_spot_instance_vcpu_count="1000",
    used_spot_instance_vcpu_count="0",
    real_name_authentication="yes",
)
