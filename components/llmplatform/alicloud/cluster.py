"""A managed ACK Pro cluster with explicit administrators, encrypted secrets, kept logs, and its nodes' add-ons.

Makes: control plane, key, permissions; Terway, the CSI drivers and the node repair add-ons.
Does not: nodes (`NodePool`), add-ons that need a node to run on (`ClusterAddons`), the log project (`Logs`).
Replaced, with all workloads, if its service range or proxy mode changes. Changes without effect after creation: between
private and public endpoint, of the pods' vSwitches (in a later zone Terway uses the nodes'), and of its own list of
add-ons (they are managed one by one for that reason).
The account must have authorised ACK's service roles once (`AliyunCSManagedKubernetesRole` and its siblings).
Source: terraform-provider-alicloud 2.0, alicloud_cs_managed_kubernetes; pulumi-alicloud 4.0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.alicloud.access import administrators
from llmplatform.alicloud.addon_config import canonical
from llmplatform.alicloud.encryption import secrets_key
from llmplatform.alicloud.endpoint import address_of, authority_of
from llmplatform.alicloud.kubeconfig import kubeconfig
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.catalog import versions
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.cluster import Maintenance, NewAckCluster, Weekday
from llmplatform.specs.environment import Environment

LOGS = ("apiserver", "kcm", "scheduler", "ccm", "controlplane-events")

NODE_ADDONS: Mapping[str, Mapping[str, object]] = {
    # The CNI enforces network policies. Each pod has an address of a vSwitch.
    "terway-eniip": {"NetworkPolicy": "true", "IPVlan": "false", "ENITrunking": "false"},
    "csi-plugin": {},
    "managed-csiprovisioner": {},
    # Removes the folder of a deleted volume; its other functions are off.
    "storage-operator": {"CnfsNasEnable": "false", "CnfsOssEnable": "false"},
    # Without it ACK refuses pools with repair.
    "ack-node-problem-detector": {},
}
"""Add-ons that nodes need to join and to be repaired, with their configuration."""

REPORTS_EVENTS = "ack-node-problem-detector"
"""Writes the cluster's events to a log project: to ours, since its own would outlive the cluster."""

NOT_WANTED = ("nginx-ingress-controller",)
"""Default add-ons to suppress. This one would create a load balancer."""

BORN_WITH = ("addons", "clusterSpec", "podVswitchIds", "vswitchIds", "controlPlaneLogComponents")
"""Properties that are fixed at creation. Add-ons are managed one by one afterwards. Of tiers, the provider knows only
the move from standard to Pro. It reads the pods' vSwitches only at creation. Lists come back in ACK's order, so that
the same vSwitches would restart the control plane. The version changes only on request, because ACK upgrades patches by
itself, and refuses to go back to the version of a file."""

DELETED_WITH_IT = ("SLB", "ALB")
"""Leftovers to delete with the cluster: load balancers of Services. It has no log projects of its own (`SLS_Data`,
`SLS_ControlPlane`): it writes to ours, which is not the cluster's to delete."""


def _window(wanted: Maintenance | None) -> alicloud.cs.ManagedKubernetesMaintenanceWindowArgs | None:
    """ACK wants a timestamp, and repeats its hour; the date has no meaning."""
    if wanted is None:
        return None
    clock, offset = wanted.start[:5], wanted.start[5:]
    return alicloud.cs.ManagedKubernetesMaintenanceWindowArgs(
        enable=True,
        maintenance_time=f"2025-01-01T{clock}:00.000{offset}",
        duration=f"{wanted.hours}h",
        weekly_period=",".join(sorted(set(wanted.days), key=get_args(Weekday).index)),
    )


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Inputs of a cluster."""

    spec: NewAckCluster
    environment: Environment
    cloud: Alicloud
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to vSwitch of nodes, for the control plane's interfaces."""
    pod_subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to vSwitch of pods."""
    log_project: pulumi.Input[str]
    """Project of the log service for control-plane and audit logs."""
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        if set(self.spec.endpoint.public_cidrs) - {"0.0.0.0/0"}:
            raise ValueError(
                "ACK's public endpoint is open to the internet or does not exist: write 0.0.0.0/0, or no range"
            )


class Cluster(PlatformComponent):
    """An ACK cluster, ready for nodes and administrators."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster."""
    cluster_id: pulumi.Output[str]
    """Id of the cluster, the reference for other resources."""
    joinable_id: pulumi.Output[str]
    """The same id, for nodes. Depends on everything that nodes need to become ready."""
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token. Depends on the administrators' permissions."""
    endpoint_url: pulumi.Output[str]
    """Address of the API server."""
    certificate_authority: pulumi.Output[str]
    """Base64 of the API server's CA bundle, which is public."""
    security_group_id: pulumi.Output[str]
    """Security group that ACK makes for control plane and nodes."""
    version: pulumi.Output[str]
    """ACK's exact version of the control plane."""
    identity_provider_arn: pulumi.Output[str]
    """ARN of the OIDC provider for the cluster's service accounts (RRSA)."""
    identity_issuer: pulumi.Output[str]
    """Issuer of the service accounts' tokens."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:Cluster", name, opts)
        self._prefix, self._args = name, args
        self._protected = args.environment.protected
        cluster = self._control_plane()
        admins = administrators(name, cluster.id, args.spec.admins, self.child())
        addons = [self._addon(cluster, addon) for addon in NODE_ADDONS]
        public = bool(args.spec.endpoint.public_cidrs)
        self.cluster_name = cluster.name
        self.cluster_id = cluster.id
        self.joinable_id = after(cluster.id, *addons)
        self.endpoint_url = address_of(cluster, public=public)
        self.certificate_authority = authority_of(cluster)
        self.kubeconfig = after(self._kubeconfig(cluster), *admins)
        self.security_group_id = cluster.security_group_id
        self.version = cluster.version.apply(self._of_the_minor)
        cluster.pod_vswitch_ids.apply(self._of_the_pods)
        cluster.cluster_spec.apply(self._of_the_tier)
        self.identity_provider_arn = cluster.rrsa_metadata.apply(lambda found: found.ram_oidc_provider_arn or "")
        self.identity_issuer = cluster.rrsa_metadata.apply(lambda found: found.rrsa_oidc_issuer_url or "")
        self.finish()

    def _of_the_minor(self, version: str) -> str:
        wanted = self._args.spec.kubernetes_version
        if version and not version.startswith(f"{wanted}."):
            pulumi.log.warn(
                f"cluster.kubernetes_version: the cluster is {version}, and the file says {wanted}; "
                "write 'upgrade: true' beside it to upgrade the cluster, or the minor that it has"
            )
        return version

    def _of_the_tier(self, tier: str | None) -> None:
        wanted = self._args.spec.tier
        if tier and tier != wanted:
            pulumi.log.warn(
                f"cluster.tier: the cluster is {tier}, and the file says {wanted}; "
                "change it in ACK's console and run 'pulumi refresh', or write what it is"
            )

    def _of_the_pods(self, kept: Sequence[str] | None) -> None:
        """Without a vSwitch in a node's zone Terway uses the node's: daemon/builder.go, pkg/eni/node_reconcile.go."""
        later = len(self._args.pod_subnet_ids) - len(kept or ())
        if later > 0:
            pulumi.log.info(
                f"cloud.zones: {later} of them came after the cluster was made: pods there share the nodes' addresses, "
                "because ACK takes the vSwitches of pods at creation alone (docs/upgrading.md)"
            )

    def _kubeconfig(self, cluster: alicloud.cs.ManagedKubernetes) -> pulumi.Output[str]:
        return pulumi.Output.all(cluster.id, self.endpoint_url, self.certificate_authority).apply(
            lambda found: kubeconfig(found[0], self._args.cloud, found[1], found[2])
        )

    def _control_plane(self) -> alicloud.cs.ManagedKubernetes:
        args, spec = self._args, self._args.spec
        return alicloud.cs.ManagedKubernetes(
            f"{self._prefix}-cluster",
            name=f"{args.environment.name}-{self._prefix}",
            cluster_spec=spec.tier,
            version=spec.exact_version,
            # Without this ACK would upgrade all nodes with it, whatever their pools say.
            upgrade_policy=alicloud.cs.ManagedKubernetesUpgradePolicyArgs(control_plane_only=True),
            vswitch_ids=list(args.subnet_ids.values()),
            pod_vswitch_ids=list(args.pod_subnet_ids.values()),
            service_cidr=spec.service_cidr,
            # The provider's default, ipvs, is deprecated in Kubernetes from 1.35.
            proxy_mode="iptables",
            is_enterprise_security_group=True,
            # The network has its own gateway; both of these would be created by default.
            new_nat_gateway=False,
            slb_internet_enabled=bool(spec.endpoint.public_cidrs),
            enable_rrsa=True,
            **self._encryption(),
            control_plane_log_components=list(LOGS),
            control_plane_log_project=args.log_project,
            control_plane_log_ttl=str(spec.log_retention_days),
            audit_log_config=alicloud.cs.ManagedKubernetesAuditLogConfigArgs(
                enabled=True, sls_project_name=args.log_project
            ),
            addons=self._addons_at_birth(),
            # Minors change only in the stack file, where a user can review the effects.
            operation_policy=alicloud.cs.ManagedKubernetesOperationPolicyArgs(
                cluster_auto_upgrade=alicloud.cs.ManagedKubernetesOperationPolicyClusterAutoUpgradeArgs(enabled=False)
            ),
            delete_options=[
                alicloud.cs.ManagedKubernetesDeleteOptionArgs(resource_type=kind, delete_mode="delete")
                for kind in DELETED_WITH_IT
            ],
            maintenance_window=_window(spec.maintenance),
            deletion_protection=self._protected,
            tags=args.tags,
            opts=self.child(
                protect=self._protected,
                ignore_changes=[*BORN_WITH, *(() if spec.upgrade else ("version",))],
                # The answer includes a client's certificate and key, which must not be in plain state.
                additional_secret_outputs=["certificateAuthorities"],
            ),
        )

    def _encryption(self) -> dict[str, Any]:
        spec = self._args.spec.secrets_key
        if spec is None:
            return {}
        key = secrets_key(
            f"{self._prefix}-secrets",
            spec,
            protected=self._protected,
            tags=self._args.tags,
            opts=self.child(protect=self._protected),
        )
        # The provider sends the key only together with the second one.
        return {"encryption_provider_key": key, "disable_encryption": False}

    def _addon(self, cluster: alicloud.cs.ManagedKubernetes, addon: str) -> alicloud.cs.KubernetesAddon:
        return alicloud.cs.KubernetesAddon(
            f"{self._prefix}-{addon}",
            cluster_id=cluster.id,
            name=addon,
            version=versions.ACK_ADDONS[addon],
            config=self._configuration(addon),
            opts=self.child(),
        )

    def _addons_at_birth(self) -> list[alicloud.cs.ManagedKubernetesAddonArgs]:
        """A new cluster needs a CNI, and the others cost no time at creation."""
        wanted = [
            alicloud.cs.ManagedKubernetesAddonArgs(
                name=addon, config=self._configuration(addon), version=versions.ACK_ADDONS[addon]
            )
            for addon in NODE_ADDONS
        ]
        refused = [alicloud.cs.ManagedKubernetesAddonArgs(name=addon, disabled=True) for addon in NOT_WANTED]
        return [*wanted, *refused]

    def _configuration(self, addon: str) -> pulumi.Output[str] | None:
        if addon == REPORTS_EVENTS:
            project = pulumi.Output.from_input(self._args.log_project)
            return project.apply(lambda name: canonical({"sls_project_name": name}))
        return pulumi.Output.from_input(canonical(NODE_ADDONS[addon])) if NODE_ADDONS[addon] else None
