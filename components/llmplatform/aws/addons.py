"""Managed add-ons of EKS: our configuration of each, and that of the stack file.

The stack file wins; mappings are merged, other values replaced. EKS checks the result against the
add-on's own schema (`aws eks describe-addon-configuration`).
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from llmplatform.catalog import versions
from llmplatform.catalog.trees import merged
from llmplatform.specs.cluster import EksAddonName, NewEksCluster

CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "vpc-cni": {
        # The CNI enforces network policies.
        "enableNetworkPolicy": "true",
        # Addresses come in blocks of 16: pods start sooner, and the number of interfaces does not limit a node.
        "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
    },
    "eks-node-monitoring-agent": {
        # Of its two DaemonSets the agent tolerates every taint and dcgm-server none (values.yaml of the chart): without
        # its server the agent reports broken GPUs (`DCGMError`).
        "dcgmAgent": {"tolerations": [{"operator": "Exists"}]},
    },
    "aws-ebs-csi-driver": {
        # The metadata service does not reach pods, so the driver cannot count attachments beside its volumes: root
        # volumes and network interfaces (docs/options.md of the driver, `--reserved-volume-attachments`).
        "node": {"reservedVolumeAttachments": 4},
    },
    "aws-efs-csi-driver": {
        # By default the driver keeps a deleted volume's directory, with its cost (docs/parameters.md of it).
        "controller": {"deleteAccessPointRootDir": True},
    },
}


def addon(
    name: str,
    addon_name: EksAddonName,
    cluster_name: pulumi.Input[str],
    cluster: NewEksCluster,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
    *,
    extra: Mapping[str, Any] | None = None,
    association: aws.eks.AddonPodIdentityAssociationArgs | None = None,
) -> aws.eks.Addon:
    """An add-on. `extra`: more of our configuration."""
    wanted = cluster.addons.get(addon_name)
    configuration = merged(CONFIGURATIONS.get(addon_name, {}), extra or {})
    if wanted:
        configuration = merged(configuration, wanted.configuration)
    return aws.eks.Addon(
        name,
        cluster_name=cluster_name,
        addon_name=addon_name,
        addon_version=(wanted and wanted.version) or versions.eks_addon(addon_name, cluster.kubernetes_version),
        configuration_values=json.dumps(configuration, sort_keys=True) if configuration else None,
        pod_identity_associations=[association] if association else None,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        tags=tags,
        opts=opts,
    )
