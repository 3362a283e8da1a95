"""A storage class, as both clouds make them."""

from collections.abc import Mapping
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

from llmplatform.base.labels import labels


def storage_class(
    name: str,
    class_name: str,
    provisioner: str,
    parameters: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
    *,
    disks: bool = False,
    default: bool = False,
    reclaim: Literal["Delete", "Retain"] = "Delete",
    mount_options: list[str] | None = None,
) -> k8s.storage.v1.StorageClass:
    """A class of disks for one pod each, or of volumes that many pods share. `default`: the cluster's."""
    return k8s.storage.v1.StorageClass(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=class_name,
            labels=labels("storage"),
            annotations={"storageclass.kubernetes.io/is-default-class": str(default).lower()},
        ),
        provisioner=provisioner,
        parameters=parameters,
        mount_options=mount_options,
        reclaim_policy=reclaim,
        # The zone of a disk is that of the pod; a shared volume is in all zones.
        volume_binding_mode="WaitForFirstConsumer" if disks else "Immediate",
        allow_volume_expansion=disks,
        opts=opts,
    )
