"""Log of a network's accepted and refused connections, kept for a month."""

from collections.abc import Mapping

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.naming import unique

RETENTION_DAYS = 30


def flow_logs(
    name: str, prefix: str, vpc: alicloud.vpc.Network, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> alicloud.vpc.FlowLog:
    """Flow log of a VPC, with its own log project: the network is created before the cluster's project."""
    project = alicloud.log.Project(
        f"{name}-project",
        project_name=unique(f"{name}-project", f"{prefix}-flow", opts),
        description="Connections within the network",
        tags=tags,
        opts=opts,
    )
    store = alicloud.log.Store(
        f"{name}-store",
        project_name=project.project_name,
        logstore_name="flow",
        retention_period=RETENTION_DAYS,
        shard_count=2,
        auto_split=True,
        max_split_shard_count=64,
        opts=opts,
    )
    return alicloud.vpc.FlowLog(
        name,
        flow_log_name=f"{prefix}-flow",
        resource_type="VPC",
        resource_id=vpc.id,
        traffic_type="All",
        project_name=project.project_name,
        log_store_name=store.logstore_name,
        tags=tags,
        opts=opts,
    )
