"""How each type of cloud resource is found again whose create was interrupted, and what its id is.

Ids are those of the providers' own import documentation (registry.terraform.io, hashicorp/aws and aliyun/alicloud: the
section *Import* of each resource), which the Pulumi providers share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Way = Literal["tag", "name", "again", "hand"]


@dataclass(frozen=True)
class Kind:
    """A type of resource."""

    way: Way
    """`tag`: by its tags. `name`: by the name that the create asked for. `again`: creating it again changes nothing.
    `hand`: a second create is refused or makes a second one, and nothing marks the first."""
    id: str = "{last}"
    """Its id: `{last}` is the end of its ARN, everything else a property of the create's inputs."""
    why: str = ""
    """Of `again` and `hand`: the call, and what it does a second time."""
    schema: int = 0
    """Version of the state that the provider keeps of it (terraform-provider-aws, `SchemaVersion`). An older one is
    upgraded by assumptions about the past: a cluster's `bootstrapSelfManagedAddons` becomes true, which replaces it."""

    def id_of(self, inputs: Mapping[str, Any], arn: str = "") -> str:
        """The id. Raises KeyError when an input that it needs is not known."""
        return self.id.format_map({**inputs, "last": arn.rpartition("/")[2]})


_TAG = Kind("tag")

KINDS: Mapping[str, Kind] = {
    # AWS
    "aws:autoscaling/tag:Tag": Kind("again", why="CreateOrUpdateTags writes the same tag again"),
    "aws:cloudwatch/logGroup:LogGroup": Kind("tag", "{name}"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Kind("again", why="it takes over the group that is there"),
    "aws:ec2/eip:Eip": _TAG,
    "aws:ec2/flowLog:FlowLog": _TAG,
    "aws:ec2/internetGateway:InternetGateway": _TAG,
    "aws:ec2/launchTemplate:LaunchTemplate": _TAG,
    "aws:ec2/natGateway:NatGateway": _TAG,
    "aws:ec2/route:Route": Kind("hand", why="CreateRoute refuses a destination that the table has: delete that route"),
    "aws:ec2/routeTable:RouteTable": _TAG,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Kind(
        "hand", why="AssociateRouteTable refuses a subnet that has a table: disassociate it"
    ),
    "aws:ec2/securityGroup:SecurityGroup": Kind("tag", schema=1),
    "aws:ec2/subnet:Subnet": Kind("tag", schema=1),
    "aws:ec2/vpc:Vpc": Kind("tag", schema=1),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _TAG,
    "aws:efs/backupPolicy:BackupPolicy": Kind("again", why="PutBackupPolicy writes the same policy again"),
    "aws:efs/fileSystem:FileSystem": _TAG,
    "aws:efs/mountTarget:MountTarget": Kind(
        "hand", why="CreateMountTarget refuses a zone that has one: delete that mount target"
    ),
    "aws:eks/accessEntry:AccessEntry": Kind("tag", "{clusterName}:{principalArn}"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Kind(
        "again", why="AssociateAccessPolicy associates the same policy again"
    ),
    "aws:eks/addon:Addon": Kind("tag", "{clusterName}:{addonName}"),
    "aws:eks/cluster:Cluster": Kind("tag", "{name}", schema=1),
    "aws:eks/nodeGroup:NodeGroup": Kind("tag", "{clusterName}:{nodeGroupName}"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _TAG,
    "aws:iam/role:Role": Kind("name", "{name}"),
    "aws:iam/rolePolicy:RolePolicy": Kind("again", why="PutRolePolicy writes the same policy again"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind("again", why="AttachRolePolicy attaches the same again"),
    "aws:kms/key:Key": _TAG,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _TAG,
    # Alibaba Cloud
    "alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc": Kind(
        "hand", why="CreateInstanceVpcEndpointLinkedVpc refuses a VPC that is linked: unlink it"
    ),
    "alicloud:cs/autoscalingConfig:AutoscalingConfig": Kind("again", why="it writes the cluster's one setting again"),
    "alicloud:cs/kubernetesAddon:KubernetesAddon": Kind("again", why="it takes over an add-on that is there"),
    "alicloud:cs/kubernetesPermission:KubernetesPermission": Kind(
        "again", why="GrantPermissions grants the same again"
    ),
    "alicloud:cs/managedKubernetes:ManagedKubernetes": _TAG,
    "alicloud:cs/nodePool:NodePool": Kind("hand", why="CreateClusterNodePool makes a second pool: delete the first"),
    "alicloud:ecs/eipAddress:EipAddress": _TAG,
    "alicloud:ecs/eipAssociation:EipAssociation": Kind(
        "hand", why="AssociateEipAddress refuses an address that is in use: unbind it"
    ),
    "alicloud:kms/key:Key": _TAG,
    "alicloud:log/project:Project": Kind("tag", "{projectName}"),
    "alicloud:log/store:Store": Kind("hand", why="CreateLogStore refuses a name that is taken: delete that store"),
    "alicloud:log/storeIndex:StoreIndex": Kind("hand", why="CreateIndex refuses a store that has one: delete it"),
    "alicloud:nas/accessGroup:AccessGroup": Kind(
        "hand", why="CreateAccessGroup refuses a name that is taken: delete it"
    ),
    "alicloud:nas/accessRule:AccessRule": Kind("hand", why="CreateAccessRule makes a second rule: delete the first"),
    "alicloud:nas/fileSystem:FileSystem": _TAG,
    "alicloud:nas/mountTarget:MountTarget": Kind(
        "hand", why="CreateMountTarget makes a second mount target: delete the first"
    ),
    "alicloud:oss/bucket:Bucket": Kind("tag", "{bucket}"),
    "alicloud:ram/policy:Policy": Kind("hand", why="CreatePolicy refuses a name that is taken: delete that policy"),
    "alicloud:ram/role:Role": Kind("hand", why="CreateRole refuses a name that is taken: delete that role"),
    "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment": Kind(
        "again", why="the provider takes an attachment that is there for its own"
    ),
    "alicloud:vpc/flowLog:FlowLog": _TAG,
    "alicloud:vpc/natGateway:NatGateway": _TAG,
    "alicloud:vpc/network:Network": _TAG,
    "alicloud:vpc/snatEntry:SnatEntry": Kind("hand", why="CreateSnatEntry refuses a range that has one: delete it"),
    "alicloud:vpc/switch:Switch": _TAG,
}
"""Every type of cloud resource that the stacks register; a test holds this table to the ledger of URNs."""

SCHEMAS = {name: kind.schema for name, kind in KINDS.items() if kind.schema}
KUBERNETES = Kind("name", why="read by its name from the cluster")
GENERATED = Kind("again", why="a value that nobody has seen is generated anew")
