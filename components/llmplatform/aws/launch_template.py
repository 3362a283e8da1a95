"""The common part of a pool's machines: disk, metadata service, first boot."""

import base64
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from llmplatform.aws.user_data import user_data
from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.planning.outside import OutsidePlan
from llmplatform.planning.pools import PoolPlan

KEPT_TAGS = (ENVIRONMENT_TAG, "llmplatform:managed-by")
"""Constant tags of an environment, for places where a change renews machines."""


def launch_template(
    name: str,
    plan: PoolPlan,
    key: str | None,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
    *,
    outside: OutsidePlan,
) -> aws.ec2.LaunchTemplate:
    """Template of a pool; `key` encrypts its disks in place of AWS' own key.

    Node groups have the instance types (a group with several types needs a template without one). EKS has subnets and
    security groups (it adds the cluster's group only when the template names none).
    """
    text = user_data(plan, outside)
    return aws.ec2.LaunchTemplate(
        name,
        update_default_version=True,
        metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled",
            http_tokens="required",
            # One hop ends at the node: pods get their rights from pod identity, never from the node's role.
            http_put_response_hop_limit=1,
        ),
        block_device_mappings=_disks(plan, key),
        tag_specifications=[
            # The tags of a node group reach neither its machines nor their disks.
            # A change here is a new version of the template, which renews every node; a change of the template's own
            # tags is not (terraform-provider-aws, internal/service/ec2/ec2_launch_template.go, `updateKeys`).
            aws.ec2.LaunchTemplateTagSpecificationArgs(
                resource_type=kind, tags={**{key: tags[key] for key in KEPT_TAGS if key in tags}, "Name": name}
            )
            for kind in ("instance", "volume", "network-interface")
        ],
        user_data=base64.b64encode(text.encode()).decode() if text else None,
        tags=tags,
        opts=opts,
    )


def _disks(plan: PoolPlan, key: str | None) -> list[aws.ec2.LaunchTemplateBlockDeviceMappingArgs]:
    if plan.spec.image == "al2023":
        return [_disk("/dev/xvda", _data(plan, key))]
    # Bottlerocket's first disk has its image's size; images and pods are on the second.
    system = aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
        encrypted="true", kms_key_id=key, delete_on_termination="true"
    )
    return [_disk("/dev/xvda", system), _disk("/dev/xvdb", _data(plan, key))]


def _disk(
    device: str, volume: aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs
) -> aws.ec2.LaunchTemplateBlockDeviceMappingArgs:
    return aws.ec2.LaunchTemplateBlockDeviceMappingArgs(device_name=device, ebs=volume)


def _data(plan: PoolPlan, key: str | None) -> aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs:
    local = plan.shape.nvme_gb > 0
    return aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
        volume_type="gp3",
        volume_size=plan.root_gib,
        # The disk limits the unpacking of an engine's image; gp3's own 125 MiB/s would take five times as long.
        # A parallel pull keeps layers on the disk, and asks for 600 MiB/s or more (aws-samples/karpenter-blueprints,
        # soci-snapshotter; with less it is slower than a plain one, docs.convox.com, fast_image_pull_enable).
        iops=6000 if plan.gpu and not local else None,
        throughput=600 if plan.gpu and not local else None,
        encrypted="true",
        kms_key_id=key,
        delete_on_termination="true",
    )
