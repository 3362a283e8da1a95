"""Administrators of a cluster: a permission for each RAM user or role, beside the identity that created it.

ACK makes the creator of a cluster its administrator, and that cannot be turned off. A permission needs the user or role
to have at least read rights on the cluster in RAM (`AliyunCSReadOnlyAccess`); else ACK refuses with
ErrorRamPolicyConfig.
Source: GrantPermissions, ACK API. The provider adds and removes only the permissions of this cluster.
"""

from collections.abc import Sequence

import pulumi
import pulumi_alicloud as alicloud


def administrators(
    name: str, cluster_id: pulumi.Input[str], principals: Sequence[str], opts: pulumi.ResourceOptions
) -> list[alicloud.cs.KubernetesPermission]:
    """Let each principal (`user/<id>` or `role/<id>`) administer the whole cluster."""
    return [_administrator(name, cluster_id, principal, opts) for principal in principals]


def _administrator(
    name: str, cluster_id: pulumi.Input[str], principal: str, opts: pulumi.ResourceOptions
) -> alicloud.cs.KubernetesPermission:
    kind, _, uid = principal.partition("/")
    return alicloud.cs.KubernetesPermission(
        f"{name}-admin-{kind}-{uid}",
        uid=uid,
        permissions=[
            alicloud.cs.KubernetesPermissionPermissionArgs(
                cluster=cluster_id, role_type="cluster", role_name="admin", is_ram_role=kind == "role"
            )
        ],
        opts=opts,
    )
