"""What AWS itself does in an account beside what was asked for, where a fault switches it on.

The log group: terraform-aws-modules/terraform-aws-eks#2763, a cluster's last log events arrive after its deletion, and
the service-linked role makes the group again. The endpoint: GuardDuty user guide, Runtime Monitoring, automated agent
configuration for EKS: it puts an endpoint `guardduty-data` and a group `GuardDutyManagedSecurityGroup-<vpc>` into the
VPC, and takes neither away.
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
"""Seconds after which the last log events arrive; on a real account a minute and more."""


def log_group_of(cluster: str) -> str:
    """Name of the group that EKS writes a cluster's logs to."""
    return f"/aws/eks/{cluster}/cluster"


class LogGroup(Plain):
    """A group that a deleted cluster still writes to comes back, without an end of its retention."""

    @override
    def deleting(self, account: Account, record: Record) -> None:
        cluster = account.store.setting(_deleted(record.id))
        if cluster and account.faults.active("late-log-group", EVERYTHING):
            account.store.unset(_deleted(record.id))
            account.late.make(LOG_GROUP, f"aws eks {cluster}", {"name": record.id}, LAG)


def cluster_deleted(account: Account, cluster: Record) -> None:
    """Its logs are on their way."""
    if cluster.outputs.get("enabledClusterLogTypes"):
        account.store.set(_deleted(log_group_of(cluster.id)), cluster.id)


def guard(account: Account) -> None:
    """Put the endpoint of GuardDuty, with its group, into the network of each cluster."""
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
