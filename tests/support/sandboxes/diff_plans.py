"""Plans of a few resources, from the engine's events."""

from typing import Any

from llmplatform_sandbox.diff.plan import Plan, Recorder, ResourceChange
from llmplatform_sandbox.providers.values import UNKNOWN, to_wire
from support.sandboxes.diff_events import step, urn

COMPUTED = to_wire(UNKNOWN).string_value
VPC = urn("aws:ec2/vpc:Vpc", "core-vpc")
SUBNET = urn("aws:ec2/subnet:Subnet", "core-subnet")
POOL = urn("aws:eks/nodeGroup:NodeGroup", "gpu-spot")
TAG = urn("aws:autoscaling/tag:Tag", "gpu-tag")
GATEWAY = urn("aws:ec2/internetGateway:InternetGateway", "core-internet")
DEPLOYMENT = urn("kubernetes:apps/v1:Deployment", "chat")
FILES = urn("aws:efs/fileSystem:FileSystem", "files")
QUEUE = urn("aws:sqs/queue:Queue", "jobs")


def replaced(of: str, path: str, old: Any, new: Any) -> list[Any]:
    values = {"old": {path: old}, "new": {path: new}, "diff": {path: "update-replace"}}
    return [step("create-replacement", of, **values), step("replace", of, **values)]


def depends(of: str, **sources: list[str]) -> dict[str, Any]:
    return {"urn": of, "type": "", "propertyDependencies": sources}


def planned(events: list[Any], state: list[dict[str, Any]] | None = None, protected: set[str] | None = None) -> Plan:
    recorder = Recorder()
    for event in events:
        recorder(event)
    return recorder.plan(state or [], protected or set())


def change(plan: Plan, of: str) -> ResourceChange:
    (found,) = [one for one in plan.changes if one.urn == of]
    return found
