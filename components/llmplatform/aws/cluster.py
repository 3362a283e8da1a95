"""An EKS cluster with explicit access, encrypted secrets, kept logs, and the add-ons that its nodes need to join.

Makes: control plane with its role, key and log group; access entries; vpc-cni, kube-proxy and the pod identity agent.
Does not: nodes (`NodePool`), add-ons that need a node to run on (`ClusterAddons`).
EKS delivers its last log lines late: it may create the log group again after both are deleted, then without retention.
A new minor upgrades control plane, add-ons and nodes in this order, by dependencies on `joinable_name`.
Replaced, with all workloads, if its name, role or service range changes, or its encryption is removed. Its subnets can
change only within the zones of its creation (UpdateClusterConfig: "Provided subnets belong to the AZs …"):
`cluster.zones`. Auto Mode is left out: its own GPU images would be a second way to do everything that the pools do.
Source of the arguments: EKS user guide; pulumi-aws 7.51.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi_aws.eks.outputs import ClusterVpcConfig

from llmplatform.aws.access import administrators, graded
from llmplatform.aws.addons import addon
from llmplatform.aws.encryption import secrets_key
from llmplatform.aws.identity import WorkloadIdentityArgs, pod_role
from llmplatform.aws.kubeconfig import kubeconfig
from llmplatform.aws.node_role import CNI_POLICY
from llmplatform.aws.policies import Conditions, managed, trust
from llmplatform.aws.roles import iam_role
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.planning.pools import GPU_RESOURCE
from llmplatform.specs.cloud import Aws
from llmplatform.specs.cluster import EksAddonName, NewEksCluster
from llmplatform.specs.environment import Environment

CNI: EksAddonName = "vpc-cni"
NODE_ADDONS: tuple[EksAddonName, ...] = (CNI, "kube-proxy", "eks-pod-identity-agent")
"""Add-ons on the host network: active without a node, needed by the first."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Inputs of a cluster."""

    spec: NewEksCluster
    environment: Environment
    cloud: Aws
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to private subnet, for the control plane's interfaces in its zones."""
    tags: Mapping[str, str]


class Cluster(PlatformComponent):
    """An EKS cluster, ready for nodes and administrators."""

    cluster_name: pulumi.Output[str]
    """Name of the cluster."""
    joinable_name: pulumi.Output[str]
    """The same name, for nodes. Depends on everything that nodes need to become ready."""
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token. Depends on the access entries, and on the rules for connected
    networks."""
    endpoint_url: pulumi.Output[str]
    """Address of the API server."""
    certificate_authority: pulumi.Output[str]
    """Base64 of the API server's CA bundle, which is public."""
    security_group_id: pulumi.Output[str]
    """Security group that EKS makes for control plane and nodes."""
    version: pulumi.Output[str]
    """Kubernetes minor of the control plane."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:Cluster", name, opts)
        self._prefix, self._args = name, args
        self._protected = args.environment.protected
        # EKS names the log group after the cluster, and the group must exist first: so the name is fixed here.
        fixed_name = f"{args.environment.name}-{name}"
        cluster = self._control_plane(fixed_name, self._log_group(fixed_name), *self._role(fixed_name))
        admins = administrators(
            name, cluster.name, args.spec.admins, args.cloud.partition, dict(args.tags), self.child()
        )
        graded(name, cluster.name, args.spec.access, args.cloud.partition, dict(args.tags), self.child())
        self._oidc_provider(cluster)
        callers = self._private_callers(cluster)
        addons = [self._addon(cluster, each) for each in NODE_ADDONS]
        self.cluster_name = cluster.name
        self.joinable_name = after(cluster.name, *addons)
        self.endpoint_url = cluster.endpoint
        self.certificate_authority = cluster.certificate_authority.apply(lambda found: found.data or "")
        self.kubeconfig = after(self._kubeconfig(cluster), *admins, *callers)
        self.security_group_id = cluster.vpc_config.apply(_security_group)
        self.version = cluster.version
        self.finish()

    def _kubeconfig(self, cluster: aws.eks.Cluster) -> pulumi.Output[str]:
        return pulumi.Output.all(cluster.name, self.endpoint_url, self.certificate_authority).apply(
            lambda found: kubeconfig(found[0], self._args.cloud, found[1], found[2])
        )

    def _role(self, cluster_name: str) -> tuple[aws.iam.Role, aws.iam.RolePolicyAttachment]:
        trusted = trust("eks.amazonaws.com", conditions=_only_for(self._args.cloud, cluster_name))
        role = iam_role(f"{self._prefix}-control-plane", self._args.cloud, trusted, self._args.tags, self.child())
        attachment = aws.iam.RolePolicyAttachment(
            f"{self._prefix}-control-plane",
            role=role.name,
            policy_arn=managed(self._args.cloud.partition, "AmazonEKSClusterPolicy"),
            opts=self.child(),
        )
        return role, attachment

    def _log_group(self, cluster_name: str) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{self._prefix}-logs",
            # The name that EKS uses. A group that EKS creates would keep logs for ever and outlive the cluster.
            name=f"/aws/eks/{cluster_name}/cluster",
            retention_in_days=self._args.spec.log_retention_days,
            kms_key_id=self._args.cloud.data_key,
            tags=self._args.tags,
            opts=self.child(protect=self._protected),
        )

    def _control_plane(
        self,
        fixed_name: str,
        logs: aws.cloudwatch.LogGroup,
        role: aws.iam.Role,
        attachment: aws.iam.RolePolicyAttachment,
    ) -> aws.eks.Cluster:
        args, spec = self._args, self._args.spec
        key = secrets_key(
            f"{self._prefix}-secrets", args.cloud, role.arn, args.tags, self.child(protect=self._protected)
        )
        return aws.eks.Cluster(
            f"{self._prefix}-cluster",
            name=fixed_name,
            version=spec.kubernetes_version,
            # The policy outlives the cluster: EKS needs it to remove its interfaces from the network.
            role_arn=after(role.arn, attachment),
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            vpc_config=_vpc_config(args),
            kubernetes_network_config=aws.eks.ClusterKubernetesNetworkConfigArgs(
                ip_family="ipv4", service_ipv4_cidr=spec.service_cidr
            ),
            encryption_config=aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
            ),
            enabled_cluster_log_types=list(spec.logs),
            # Extended support costs six times as much, and would begin silently.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            zonal_shift_config=aws.eks.ClusterZonalShiftConfigArgs(enabled=True),
            control_plane_scaling_config=aws.eks.ClusterControlPlaneScalingConfigArgs(tier=spec.tier)
            if spec.tier
            else None,
            kube_scheduler_config=_scheduler(spec.gpu_placement) if spec.gpu_placement else None,
            bootstrap_self_managed_addons=False,
            deletion_protection=self._protected,
            tags=args.tags,
            # Else EKS would create the log group, without retention.
            opts=self.child(protect=self._protected, depends_on=[logs]),
        )

    def _private_callers(self, cluster: aws.eks.Cluster) -> list[aws.vpc.SecurityGroupIngressRule]:
        """Admits connected networks: EKS' own security group admits only its members."""
        return [
            aws.vpc.SecurityGroupIngressRule(
                f"{self._prefix}-api-from-{cidr.replace('/', '-')}",
                security_group_id=cluster.vpc_config.apply(_security_group),
                description="Kubernetes API from a connected network",
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                tags=self._args.tags,
                opts=self.child(),
            )
            for cidr in self._args.spec.endpoint.private_cidrs
        ]

    def _addon(self, cluster: aws.eks.Cluster, each: EksAddonName) -> aws.eks.Addon:
        args = self._args
        association = self._cni_identity(cluster) if each == CNI else None
        return addon(
            f"{self._prefix}-{each}", each, cluster.name, args.spec, args.tags, self.child(), association=association
        )

    def _cni_identity(self, cluster: aws.eks.Cluster) -> aws.eks.AddonPodIdentityAssociationArgs:
        """A role of its own: every pod on the host's network has the node's role."""
        account = WorkloadIdentityArgs(
            cluster_name=cluster.name,
            cloud=self._args.cloud,
            namespace="kube-system",
            service_account="aws-node",
            tags=self._args.tags,
        )
        role = pod_role(f"{self._prefix}-{CNI}", account, self.child())
        policy = managed(self._args.cloud.partition, CNI_POLICY)
        attachment = aws.iam.RolePolicyAttachment(
            f"{self._prefix}-{CNI}-rights", role=role.name, policy_arn=policy, opts=self.child()
        )
        # Nodes release their interfaces with these rights, so the rights outlive the add-on, and the add-on the nodes.
        return aws.eks.AddonPodIdentityAssociationArgs(
            role_arn=after(role.arn, attachment), service_account=account.service_account
        )

    def _oidc_provider(self, cluster: aws.eks.Cluster) -> None:
        if not self._args.spec.oidc_provider:
            return
        aws.iam.OpenIdConnectProvider(
            f"{self._prefix}-oidc",
            url=cluster.identities.apply(lambda found: (found[0].oidcs or [])[0].issuer or ""),
            client_id_lists=["sts.amazonaws.com"],
            tags=self._args.tags,
            opts=self.child(),
        )


def _only_for(cloud: Aws, cluster_name: str) -> Conditions:
    """Only EKS for this cluster may assume the role ("Cross-service confused deputy prevention", EKS user guide)."""
    arn = f"arn:{cloud.partition}:eks:{cloud.region}:{cloud.account_id}:cluster/{cluster_name}"
    return {"StringEquals": {"aws:SourceAccount": cloud.account_id}, "ArnEquals": {"aws:SourceArn": arn}}


def _vpc_config(args: ClusterArgs) -> aws.eks.ClusterVpcConfigArgs:
    public = list(args.spec.endpoint.public_cidrs)
    return aws.eks.ClusterVpcConfigArgs(
        subnet_ids=[args.subnet_ids[zone] for zone in args.spec.zones or args.cloud.zones[:2]],
        endpoint_private_access=True,
        endpoint_public_access=bool(public),
        public_access_cidrs=public or None,
    )


def _scheduler(placement: Literal["pack", "spread"]) -> aws.eks.ClusterKubeSchedulerConfigArgs:
    """Packing scores only GPUs: else pods without GPUs would crowd on one node, too.

    A resource that a pod does not request has no part in its score (kubernetes/kubernetes,
    pkg/scheduler/framework/plugins/noderesources/resource_allocation.go). Spreading is the scheduler's default
    (pkg/scheduler/apis/config/v1/default_plugins.go, defaults.go). It is written out, so that it replaces an earlier
    packing.
    """
    weight = aws.eks.ClusterKubeSchedulerConfigNodeResourcesFitScoringStrategyResourceArgs
    kind, counted = ("MostAllocated", (GPU_RESOURCE,)) if placement == "pack" else ("LeastAllocated", ("cpu", "memory"))
    strategy = aws.eks.ClusterKubeSchedulerConfigNodeResourcesFitScoringStrategyArgs(
        type=kind, resources=[weight(name=each, weight=1) for each in counted]
    )
    fit = aws.eks.ClusterKubeSchedulerConfigNodeResourcesFitArgs(scoring_strategy=strategy)
    return aws.eks.ClusterKubeSchedulerConfigArgs(node_resources_fit=fit)


def _security_group(config: ClusterVpcConfig) -> str:
    return config.cluster_security_group_id or ""
