"""A state with one interrupted create, an account to look for it in, and what the survey finds."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.recovery.survey import Finding, survey

PROVIDER = "urn:pulumi:dev::app::pulumi:providers:aws::aws"
CLUSTER = "urn:pulumi:dev::app::aws:eks/cluster:Cluster::cluster"
TAGS = {ENVIRONMENT_TAG: "dev"}
NUMBER = "111122223333"
INPUTS = {"region": "us-east-1", "allowedAccountIds": f'["{NUMBER}"]'}


class Account:
    def __init__(self, *arns: str, names: Sequence[str] = ()) -> None:
        self.arns, self.names = arns, names
        self.asked: list[tuple[str, str]] = []
        self.waited: list[float] = []

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        self.asked.append((environment, resource))
        return self.arns

    def found(self, type_: str, inputs: Mapping[str, Any], resource: str) -> Sequence[str]:
        self.asked.append((type_, resource))
        return self.names


def deployed(
    type_: str, inputs: dict[str, Any], *known: str, provider: Mapping[str, Any] = INPUTS, own: bool = True
) -> dict[str, Any]:
    """`known`: id of a resource of the same URN that the state has. `own`: whether the stack made the cluster."""
    urn = f"urn:pulumi:dev::app::llmplatform:aws:Network${type_}::core"
    resources: list[dict[str, Any]] = [
        {"urn": CLUSTER, "type": "aws:eks/cluster:Cluster", "id": "llm", **({} if own else {"external": True})},
        {"urn": PROVIDER, "type": "pulumi:providers:aws", "inputs": provider, "dependencies": [CLUSTER]},
    ]
    resources += [{"urn": urn, "type": type_, "id": each} for each in known]
    pending = {"urn": urn, "type": type_, "custom": True, "inputs": inputs, "provider": f"{PROVIDER}::1"}
    return {"resources": resources, "pending_operations": [{"type": "creating", "resource": pending}]}


def surveyed(
    type_: str,
    inputs: dict[str, Any],
    account: Account,
    *known: str,
    decided: Mapping[str, str] | None = None,
    own: bool = True,
) -> Finding:
    deployment = deployed(type_, inputs, *known, own=own)
    opened: list[tuple[str, Any, Sequence[str]]] = []

    def account_of(package: str, provider: Any, numbers: Sequence[str]) -> Account:
        opened.append((package, provider, numbers))
        return account

    [finding] = survey(deployment, account_of, decided, sleep=account.waited.append)
    where = (type_.partition(":")[0], INPUTS, [NUMBER])
    assert all(each == where for each in opened), "asked where the resource's provider works"
    return finding


def outcome(finding: Finding) -> tuple[str, str]:
    return finding.action, finding.id
