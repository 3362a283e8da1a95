"""AWS' own actions in an account, switched on by faults.

The log group: terraform-aws-modules/terraform-aws-eks#2763, a cluster's last log events arrive after its deletion, and
the service-linked role creates the group again. The endpoint: GuardDuty user guide, Runtime Monitoring, automated agent
configuration for EKS: it creates an endpoint `guardduty-data` and a group `GuardDutyManagedSecurityGroup-<vpc>` in the
VPC, and removes neither.
"""

from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.aws.groups import CLUSTER
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.faults import EVERYTHING
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get

LOG_GROUP, GROUP, ENDPOINT = (
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
)
GUARDDUTY = "aws guardduty, which leaves it: delete this endpoint and its group by hand, and run again"
_SERVICE = "guardduty-data"
LAG = 1.5
"""Seconds until the last log events arrive; on a real account a minute and more."""


def log_group_of(cluster: str) -> str:
    """Name of a cluster's log group."""
    return f"/aws/eks/{cluster}/cluster"


class LogGroup(Plain):
    """A deleted cluster's late log events create its group again, without retention."""

    @override
    def deleting(self, account: Account, record: Record) -> None:
        cluster = account.store.setting(_deleted(record.id))
        if cluster and account.faults.active("late-log-group", EVERYTHING):
            account.store.unset(_deleted(record.id))
            account.late.make(LOG_GROUP, f"aws eks {cluster}", {"name": record.id}, LAG)


def cluster_deleted(account: Account, cluster: Record) -> None:
    """Schedule the late log events of a deleted cluster."""
    if cluster.outputs.get("enabledClusterLogTypes"):
        account.store.set(_deleted(log_group_of(cluster.id)), cluster.id)


def guard(account: Account) -> None:
    """Create GuardDuty's endpoint, with its group, in the network of each cluster."""
    if not account.faults.active("foreign-endpoint", EVERYTHING):
        return
    for cluster in account.store.all(CLUSTER):
        vpc = get(cluster.outputs, "vpcConfig.vpcId")
        service = f"com.amazonaws.{account.scope.region}.{_SERVICE}"
        there = account.store.all(ENDPOINT)
        if any((one.outputs["vpcId"], one.outputs["serviceName"]) == (vpc, service) for one in there):
            continue
        made: dict[str, Any] = {"name": f"GuardDutyManagedSecurityGroup-{vpc}", "vpcId": vpc}
        group = account.create(GROUP, GUARDDUTY, made, account.scope)
        inputs = {
            "vpcId": vpc,
            "serviceName": service,
            "vpcEndpointType": "Interface",
            "subnetIds": get(cluster.outputs, "vpcConfig.subnetIds"),
            "securityGroupIds": [group.id],
        }
        account.create(ENDPOINT, GUARDDUTY, inputs, account.scope)


def _deleted(name: str) -> str:
    return f"written to by a deleted cluster {name}"
