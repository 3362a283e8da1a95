"""How each type of cloud resource is found again whose create was interrupted, and what its id is.

Ids are those of the providers' own import documentation (registry.terraform.io, hashicorp/aws and aliyun/alicloud: the
section *Import* of each resource), which the Pulumi providers share.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Way = Literal["tag", "call", "read", "again", "hand"]


@dataclass(frozen=True)
class Kind:
    """A type of resource."""

    way: Way
    """`tag`: by its tags. `call`: by a call of its service (`Account.found`). `read`: its id is in the create's inputs
    and within an object of the stack's own: it is taken in, and forgotten by the refresh should it not be there.
    `again`: creating it again changes nothing. `hand`: nothing marks it, and a person has to look."""
    id: str = "{last}"
    """Its id: `{last}` is the end of its ARN, everything else a property of the create's inputs."""
    why: str = ""
    """Of `again`: the call, and what it does a second time. Of `hand`: where to look, with properties of the inputs."""
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Outputs by which the provider reads it, where not by its id alone: name → as `id`."""
    schema: int = 0
    """Version of the state that the provider keeps of it (terraform-provider-aws, `SchemaVersion`). An older one is
    upgraded by assumptions about the past: a cluster's `bootstrapSelfManagedAddons` becomes true, which replaces it."""

    def id_of(self, inputs: Mapping[str, Any], arn: str = "") -> str:
        """The id. Raises KeyError when an input that it needs is not known."""
        return self.id.format_map({**inputs, "last": arn.rpartition("/")[2]})


_TAG = Kind("tag")
_CALL = Kind("call")

KINDS: Mapping[str, Kind] = {
    # AWS
    "aws:autoscaling/tag:Tag": Kind("again", why="CreateOrUpdateTags writes the same tag again"),
    "aws:cloudwatch/logGroup:LogGroup": Kind("tag", "{name}"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Kind("again", why="it takes over the group that is there"),
    "aws:ec2/eip:Eip": _TAG,
    "aws:ec2/flowLog:FlowLog": Kind("tag", schema=1),
    "aws:ec2/internetGateway:InternetGateway": _TAG,
    "aws:ec2/launchTemplate:LaunchTemplate": _TAG,
    "aws:ec2/natGateway:NatGateway": _TAG,
    "aws:ec2/route:Route": _CALL,
    "aws:ec2/routeTable:RouteTable": _TAG,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _CALL,
    "aws:ec2/securityGroup:SecurityGroup": Kind("tag", schema=1),
    "aws:ec2/subnet:Subnet": Kind("tag", schema=1),
    "aws:ec2/vpc:Vpc": Kind("tag", schema=1),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _TAG,
    "aws:efs/backupPolicy:BackupPolicy": Kind("again", why="PutBackupPolicy writes the same policy again"),
    "aws:efs/fileSystem:FileSystem": _TAG,
    "aws:efs/fileSystemPolicy:FileSystemPolicy": Kind("again", why="PutFileSystemPolicy writes the same policy again"),
    "aws:efs/mountTarget:MountTarget": _CALL,
    "aws:eks/accessEntry:AccessEntry": Kind("tag", "{clusterName}:{principalArn}"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Kind(
        "again", why="AssociateAccessPolicy associates the same policy again"
    ),
    "aws:eks/addon:Addon": Kind("tag", "{clusterName}:{addonName}"),
    "aws:eks/cluster:Cluster": Kind("tag", "{name}", schema=1),
    "aws:eks/nodeGroup:NodeGroup": Kind("tag", "{clusterName}:{nodeGroupName}"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Kind("tag", outputs={"associationId": "{id}"}),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _CALL,
    "aws:iam/role:Role": _CALL,
    "aws:iam/rolePolicy:RolePolicy": Kind("again", why="PutRolePolicy writes the same policy again"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind("again", why="AttachRolePolicy attaches the same again"),
    "aws:kms/key:Key": _TAG,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _TAG,
    # Alibaba Cloud
    "alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc": Kind(
        "read", "{instanceId}:{vpcId}:{vswitchId}:{moduleName}"
    ),
    "alicloud:cs/autoscalingConfig:AutoscalingConfig": Kind("again", why="it writes the cluster's one setting again"),
    "alicloud:cs/kubernetesAddon:KubernetesAddon": Kind("again", why="it takes over an add-on that is there"),
    "alicloud:cs/kubernetesPermission:KubernetesPermission": Kind(
        "again", why="GrantPermissions grants the same again"
    ),
    "alicloud:cs/managedKubernetes:ManagedKubernetes": _TAG,
    "alicloud:cs/nodePool:NodePool": _CALL,
    "alicloud:ecs/eipAddress:EipAddress": _TAG,
    "alicloud:ecs/eipAssociation:EipAssociation": Kind("read", "{allocationId}:{instanceId}"),
    "alicloud:kms/key:Key": _TAG,
    "alicloud:log/project:Project": Kind("tag", "{projectName}"),
    "alicloud:log/store:Store": Kind("read", "{projectName}:{logstoreName}"),
    "alicloud:log/storeIndex:StoreIndex": Kind("read", "{project}:{logstore}"),
    "alicloud:nas/accessGroup:AccessGroup": Kind(
        "hand", why="aliyun nas DescribeAccessGroups --AccessGroupName {accessGroupName}; its id is NAME:standard"
    ),
    "alicloud:nas/accessRule:AccessRule": Kind(
        "hand", why="aliyun nas DescribeAccessRules --AccessGroupName {accessGroupName}; its id is GROUP:RULE"
    ),
    "alicloud:nas/fileSystem:FileSystem": _TAG,
    "alicloud:nas/mountTarget:MountTarget": Kind(
        "hand", why="aliyun nas DescribeMountTargets --FileSystemId {fileSystemId}; its id is FILESYSTEM:DOMAIN"
    ),
    "alicloud:oss/bucket:Bucket": Kind("tag", "{bucket}"),
    "alicloud:ram/policy:Policy": _CALL,
    "alicloud:ram/role:Role": _CALL,
    "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment": Kind("read", "role:{policyName}:{policyType}:{roleName}"),
    "alicloud:vpc/flowLog:FlowLog": _TAG,
    "alicloud:vpc/natGateway:NatGateway": _TAG,
    "alicloud:vpc/network:Network": _TAG,
    "alicloud:vpc/routeEntry:RouteEntry": Kind(
        "hand",
        why="aliyun vpc DescribeRouteEntryList --RouteTableId {routeTableId}; its id is "
        "TABLE:ROUTER:DESTINATION:NatGateway:GATEWAY, and the router that of DescribeRouteTableList",
    ),
    "alicloud:vpc/routeTable:RouteTable": _TAG,
    "alicloud:vpc/routeTableAttachment:RouteTableAttachment": Kind("read", "{routeTableId}:{vswitchId}"),
    "alicloud:vpc/snatEntry:SnatEntry": Kind(
        "hand", why="aliyun vpc DescribeSnatTableEntries --SnatTableId {snatTableId}; its id is TABLE:ENTRY"
    ),
    "alicloud:vpc/switch:Switch": _TAG,
}
"""Every type of cloud resource that the stacks register; a test holds this table to the ledger of URNs."""

SCHEMAS = {name: kind.schema for name, kind in KINDS.items() if kind.schema}
KUBERNETES = Kind("read", why="read by its name from the cluster")
CLUSTERS = frozenset({"aws:eks/cluster:Cluster", "alicloud:cs/managedKubernetes:ManagedKubernetes"})
"""Types whose objects run the cluster that a Kubernetes provider of the same state may work in."""
GENERATED = Kind("again", why="a value that nobody has seen is generated anew")


@dataclass(frozen=True)
class Ready:
    """How it shows that an object is made of which the provider's read does not wait for that."""

    output: str
    words: tuple[str, ...] = ()
    """Values of the output, the usual one first; without any, all but none."""

    def missing(self, outputs: Mapping[str, Any]) -> str:
        """What the object shows instead; empty once it is made."""
        value = outputs.get(self.output)
        if value in self.words or (value and not self.words):
            return ""
        return f"its {self.output} is {value or 'not there'}"

    @property
    def wanted(self) -> str:
        """What to wait for, as the end of a sentence."""
        return f"it is {self.words[0]}" if self.words else "the console shows it as running"


READY: Mapping[str, Ready] = {
    # AWS: API references of EKS (Cluster and Nodegroup: status) and of EC2 (VpcEndpoint: state).
    "aws:ec2/vpcEndpoint:VpcEndpoint": Ready("state", ("available",)),
    "aws:eks/cluster:Cluster": Ready("status", ("ACTIVE", "UPDATING")),
    "aws:eks/nodeGroup:NodeGroup": Ready("status", ("ACTIVE", "UPDATING", "DEGRADED")),
    # Alibaba Cloud: terraform-provider-alicloud gives no state of a cluster; the address is of what the cluster says of
    # itself when it runs (resource_alicloud_cs_managed_kubernetes.go: MasterUrl). DescribeNatGateways: Status.
    "alicloud:cs/managedKubernetes:ManagedKubernetes": Ready("slbIntranet"),
    "alicloud:cs/nodePool:NodePool": Ready("scalingGroupId"),
    "alicloud:vpc/natGateway:NatGateway": Ready("status", ("Available",)),
}
"""Types whose creates take minutes. One that is read too early has outputs that lack what others need (an address, a
certificate, the name of a scaling group), and no update would look again."""


def outputs_of(type_: str, id_: str) -> dict[str, str]:
    """What an adopted resource of a type needs to have besides its inputs and its id."""
    kind = KINDS.get(type_)
    return {name: form.format(id=id_) for name, form in kind.outputs.items()} if kind else {}
