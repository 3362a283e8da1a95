"""Account, region and zones of an environment."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog import InstanceType, gpu_zones
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.alicloud import (
    AlicloudAccountId,
    AlicloudRegion,
    AlicloudZone,
    AliyunProfile,
    InstanceFamily,
    ResourceGroupId,
)
from llmplatform.specs.vocabulary.aws import (
    AwsAccountId,
    AwsRegion,
    AwsZone,
    KmsKeyArn,
    PolicyArn,
    ProfileName,
    RoleArn,
    RolePath,
)


class Aws(Section):
    """An AWS account. Ids and zones are settings: a preview needs no credentials."""

    provider: Literal["aws"]
    account_id: AwsAccountId
    """The provider refuses to touch any other account."""
    region: AwsRegion
    """Region of the environment."""
    zones: Annotated[tuple[AwsZone, ...], Field(min_length=2, max_length=6)]
    """Availability zones, at least two, because EKS needs two for its control plane."""
    home_zone: AwsZone | None = None
    """Zone of the resources that exist once, such as a single NAT gateway. Empty: the first of `zones`. Set it before
    you put another zone first, because those resources move with it."""
    profile: ProfileName | None = None
    """Profile of the AWS CLI. Empty: the credentials of the environment."""
    assume_role: RoleArn | None = None
    """Role to assume, for the provider and for logging in to the cluster. A new cluster names it in
    `cluster.admins`."""
    permissions_boundary: PolicyArn | None = None
    """Permissions boundary for every role, where the account demands one."""
    role_path: RolePath = "/"
    """Path of every role. A change replaces the roles, and every resource that cannot change its role."""
    data_key: KmsKeyArn | None = None
    """Your own key for node disks, volumes, the shared file system, buckets, databases, caches and logs;
    docs/aws-account.md has its key policy. Empty: AWS' own keys. A change replaces the file system, databases and
    caches, and renews every node."""

    gpu_zones: Annotated[
        dict[InstanceFamily, Annotated[tuple[AwsZone, ...], Field(max_length=6)]], Field(max_length=50)
    ] = Field(default_factory=dict)
    """Zones that offer a machine family (`p5`) to the account. Set it when the catalog does not know the family, or
    your account gets fewer zones: see `aws ec2 describe-instance-type-offerings --location-type availability-zone`."""

    @property
    def home(self) -> str:
        """Zone of the resources that exist once."""
        return self.home_zone or self.zones[0]

    @property
    def partition(self) -> str:
        """ARN partition of the region."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    def zones_with(self, machine: InstanceType) -> tuple[str, ...]:
        """Zones of the environment that sell a machine; all of them if the catalog does not know."""
        said = self.gpu_zones.get(machine.family)
        return tuple(zone for zone in self.zones if said is None or zone in said)


class Alicloud(Section):
    """An Alibaba Cloud account. Ids and zones are settings: a preview needs no credentials."""

    provider: Literal["alicloud"]
    account_id: AlicloudAccountId
    """The account's id, which is part of the names of roles and images."""
    account_type: Literal["Domestic", "International"]
    """The site of the account: `Domestic` is aliyun.com, `International` is alibabacloud.com. Without it the provider
    asks the billing service, which takes half a minute and needs a right of its own."""
    region: AlicloudRegion
    """Region of the environment."""
    zones: Annotated[tuple[AlicloudZone, ...], Field(min_length=2, max_length=6)]
    """Availability zones, at least two, so that one may fail."""
    home_zone: AlicloudZone | None = None
    """Zone of the resources that exist once: the file system, and a single NAT gateway. Empty: the first of `zones`.
    Set it before you put another zone first, because those resources are replaced, with their data."""
    profile: AliyunProfile | None = None
    """Profile of the aliyun CLI, for the provider and for logging in to the cluster. To assume a role, also in another
    account, use a profile of mode `RamRoleArn` or `ChainableRamRoleArn`. Empty: the credentials of the environment. An
    access key in the environment is refused beside it, because the provider would use the key."""
    resource_group_id: ResourceGroupId | None = None
    """Resource group, by which accounts divide rights and costs. Empty: the account's default group."""
    gpu_zones: Annotated[
        dict[InstanceFamily, Annotated[tuple[AlicloudZone, ...], Field(max_length=6)]], Field(max_length=50)
    ] = Field(default_factory=dict)
    """Further zones that sell a machine family (`gn7i`), beside those in the catalog."""

    @property
    def home(self) -> str:
        """Zone of the resources that exist once."""
        return self.home_zone or self.zones[0]

    def zones_with(self, machine: InstanceType) -> tuple[str, ...]:
        """Zones of the environment that sell a machine; all of them if the catalog does not know."""
        sold = gpu_zones.known(machine, self.region)
        here = {*sold, *self.gpu_zones.get(machine.family, ())}
        return tuple(zone for zone in self.zones if not sold or zone in here)


Cloud = Annotated[Aws | Alicloud, Field(discriminator="provider")]
"""The clouds that a stack file can name. `provider` tells them apart."""
