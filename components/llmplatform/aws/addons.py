"""Managed add-ons of EKS: how each is configured here, and what a stack file says beside or instead of it.

What a stack file says of a key stands; mappings are joined, all else is taken whole. EKS checks the result against the
add-on's own schema (`aws eks describe-addon-configuration`).
"""

import json
from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from llmplatform.catalog import versions
from llmplatform.specs.cluster import EksAddonName, NewEksCluster

CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "vpc-cni": {
        # Network policies are enforced by the CNI itself.
        "enableNetworkPolicy": "true",
        # Addresses come 16 at a time: pods start sooner, and a node is not bound by its number of interfaces.
        "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
    },
    "eks-node-monitoring-agent": {
        # Of its two DaemonSets the agent tolerates every taint and dcgm-server none (values.yaml of the chart): without
        # its server the agent takes the GPUs for broken (`DCGMError`).
        "dcgmAgent": {"tolerations": [{"operator": "Exists"}]},
    },
    "aws-ebs-csi-driver": {
        # The metadata service ends at the node, so the driver cannot count what is attached besides its volumes: root
        # volumes and network interfaces (docs/options.md of the driver, `--reserved-volume-attachments`).
        "node": {"reservedVolumeAttachments": 4},
    },
    "aws-efs-csi-driver": {
        # By default the driver forgets a volume's directory and leaves it, with its cost (docs/parameters.md of it).
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
    configuration = joined(CONFIGURATIONS.get(addon_name, {}), extra or {})
    if wanted:
        configuration = joined(configuration, wanted.configuration)
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


def joined(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Both, mapping by mapping; where both say something else, theirs."""

    def both(key: str) -> Any:
        one, other = ours.get(key), theirs.get(key, ours.get(key))
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            return joined(cast(Mapping[str, Any], one), cast(Mapping[str, Any], other))
        return other

    return {key: both(key) for key in (*ours, *(key for key in theirs if key not in ours))}
